"""What cards of every kind share: TOML files of priors with reasons, found by name or by path."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bayes_scaling.errors import CardError, unknown_name
from bayes_scaling.resources import resource_dir
from bayes_scaling.units import format_count

__all__ = [
    "Beta", "Card", "CardKind", "Finite", "LogNormal", "Normal", "Positive", "Strict", "Text",
]  # fmt: skip

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """A part of a card: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogNormal(Strict):
    """A positive quantity whose logarithm is Normal(log median, sigma)."""

    distribution: Literal["lognormal"]
    median: Positive
    sigma: Positive
    reason: Text


class Normal(Strict):
    """A real quantity that is Normal(mean, sigma)."""

    distribution: Literal["normal"]
    mean: Finite
    sigma: Positive
    reason: Text


class Beta(Strict):
    """A quantity between 0 and 1 that is Beta(a, b)."""

    distribution: Literal["beta"]
    a: Positive
    b: Positive
    reason: Text


class Card(Strict):
    """What stands at the head of every card."""

    format: Literal[1]
    name: Text
    title: Text
    description: Text


@dataclass(frozen=True, kw_only=True)
class CardKind[C: Card]:
    """Reads the cards of one kind.

    Parameters
    ----------
    card : type
        What they validate to.
    of : str
        What they are of, for messages, such as "model".
    folder : str
        Where those that ship with the package are, below ``models/``.
    """

    card: type[C]
    of: str
    folder: str = "."

    def shipped(self) -> dict[str, Path]:
        """Files of the cards that ship with the package, by name."""
        paths = (resource_dir("models") / self.folder).glob("*.toml")
        return {path.stem: path for path in sorted(paths, key=lambda path: path.stem)}

    def load(self, model: str | Path | C) -> C:
        """A card by its name or its file; one that is there already is returned as it is.

        Raises
        ------
        CardError
            There is no such card, or it does not validate; every offending key is named.
        """
        if isinstance(model, self.card):
            return model
        shipped = self.shipped()
        path = shipped.get(str(model), Path(str(model)))
        if path.suffix != ".toml" and not path.exists():
            raise CardError(
                unknown_name(self.of, str(model), shipped)
                + "; or give the path of a card, such as my_card.toml"
            )
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CardError(f"cannot read the {self.of} card {str(path)!r}: {error}") from error
        card = self.parse(text, source=str(path))
        if card.name in shipped and path != shipped[card.name]:
            # An edited copy must not pass for the card that it was copied from.
            return card.model_copy(update={"name": path.stem})
        return card

    def parse(self, text: str, *, source: str) -> C:
        """Validate a card given as TOML text; `source` names it in errors.

        Raises
        ------
        CardError
            It does not validate; every offending key is named.
        """
        try:
            return self.card.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise CardError(f"{source}: not valid TOML: {error}") from error
        except ValidationError as error:
            problems = [
                f"  {'.'.join(map(str, each['loc']))}: {each['msg']}".replace("  : ", "  ")
                for each in error.errors()
            ]
            raise CardError(
                f"{source}: {format_count(len(problems), 'problem')} in the {self.of} card\n"
                + "\n".join(problems)
            ) from error
