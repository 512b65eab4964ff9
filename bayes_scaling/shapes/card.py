"""Cards of shape models: like model cards, for scores instead of losses; in ``models/shapes/``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bayes_scaling.errors import CardError, InputError, unknown_name
from bayes_scaling.inference.card import LogNormal, Normal
from bayes_scaling.resources import resource_dir

__all__ = ["DEFAULT_SHAPE_CARD", "ShapeCard", "list_shape_cards", "load_shape_card", "read_card"]

DEFAULT_SHAPE_CARD = "shapes"
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Beta(_Strict):
    """A quantity between 0 and 1."""

    distribution: Literal["beta"]
    a: Positive
    b: Positive
    reason: Text


class ShapePriors(_Strict):
    """Of the population of tasks; the card says what each is on."""

    level_mean: Normal
    level_spread: LogNormal
    slope_mean: Normal
    slope_spread: LogNormal
    slope_between: LogNormal
    place: Normal
    gap: LogNormal
    width: LogNormal
    change_spread: LogNormal
    second_spread: LogNormal
    recovery: Normal
    saturation: Normal


class ShapeNoise(_Strict):
    """How scores scatter around their trend."""

    family: Literal["student-t"]
    scatter: LogNormal
    scatter_spread: LogNormal
    persistence: Beta
    persistence_of_checkpoints: Beta
    between_models: LogNormal
    nu: LogNormal

    def left(self, *, checkpoints: bool) -> Beta:
        """Prior of what is left of a distance from the trend, a factor of three further on."""
        return self.persistence_of_checkpoints if checkpoints else self.persistence


class ShapeCard(_Strict):
    """Priors and likelihood of a shape model, each with its reason."""

    format: Literal[1]
    kind: Literal["shapes"]
    name: Text
    title: Text
    description: Text
    bends: Literal[1, 2]
    priors: ShapePriors
    noise: ShapeNoise

    def with_bends(self, bends: int | None) -> ShapeCard:
        """The card with another number of bends; the same for None.

        Raises
        ------
        InputError
            There is no trend with so many.
        """
        if bends not in (None, 1, 2):
            raise InputError(f"a trend has 1 or 2 bends, not {bends}")
        return self if bends is None else self.model_copy(update={"bends": bends})


def list_shape_cards() -> tuple[ShapeCard, ...]:
    """The cards that ship with the package, by name."""
    return tuple(load_shape_card(path) for _, path in sorted(_shipped().items()))


def load_shape_card(model: str | Path | ShapeCard) -> ShapeCard:
    """Read and validate a card; an edited copy takes the name of its file.

    Parameters
    ----------
    model : str, Path or ShapeCard
        Name of a card that ships with the package, or the path of a TOML file; a card is returned
        as it is.

    Raises
    ------
    CardError
        There is no such card, or it does not validate; every offending key is named.
    """
    if isinstance(model, ShapeCard):
        return model
    path = _shipped().get(str(model), Path(model))
    if path.suffix != ".toml" and not path.exists():
        raise CardError(
            unknown_name("shape model", str(model), _shipped())
            + "; or give the path of a card, such as my_shapes.toml"
        )
    card = read_card(path, ShapeCard, "of a shape model")
    edited = card.name in _shipped() and path != _shipped()[card.name]
    return card.model_copy(update={"name": path.stem}) if edited else card


def read_card[Card: BaseModel](path: Path, kind: type[Card], of: str) -> Card:
    """Read and validate the TOML file of a card.

    Parameters
    ----------
    path : Path
    kind : type
        Of the card.
    of : str
        What the card is of, for messages.

    Raises
    ------
    CardError
        It cannot be read, or does not validate; every offending key is named.
    """
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"cannot read the card {str(path)!r}: {error}") from error
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise CardError(
            f"{path}: {len(problems)} problem(s) in the card {of}\n" + "\n".join(problems)
        ) from error


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in (resource_dir("models") / "shapes").glob("*.toml")}
