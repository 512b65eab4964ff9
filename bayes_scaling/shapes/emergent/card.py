"""The card of `emergence`: priors of the smooth and the broken law, in ``models/emergence/``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bayes_scaling.errors import CardError, unknown_name
from bayes_scaling.inference.card import LogNormal, Normal
from bayes_scaling.resources import resource_dir
from bayes_scaling.shapes.card import read_card

__all__ = ["DEFAULT_EMERGENCE_CARD", "EmergenceCard", "load_emergence_card"]

DEFAULT_EMERGENCE_CARD = "emergence"
Share = Annotated[float, Field(gt=0, lt=1)]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriorBreak(_Strict):
    """Probability of a break before the scores are seen."""

    probability: Share
    reason: Text


class EmergencePriors(_Strict):
    """Of one task; the card says what each is on."""

    start: LogNormal
    exponent: LogNormal
    floor: LogNormal
    change: LogNormal
    width: LogNormal
    guess: LogNormal
    answer_tokens: LogNormal


class BreakPlace(_Strict):
    """Where a break may be."""

    margin: Annotated[float, Field(ge=0, lt=0.5)]
    reason: Text


class EmergenceNoise(_Strict):
    """How sizes scatter around the law, and scores around what that gives."""

    family: Literal["student-t"]
    nu: Annotated[float, Field(gt=2, allow_inf_nan=False)]
    within: Annotated[float, Field(ge=1e-4, lt=1)]
    within_choice: Annotated[float, Field(ge=1e-4, lt=1)]
    scatter: LogNormal
    reason: Text


class PassRatePriors(_Strict):
    """Of the law of pass rates."""

    level: LogNormal
    exponent: LogNormal
    scatter: LogNormal
    drift: Normal


class EmergenceCard(_Strict):
    """Priors and likelihood of `emergence`, each with its reason."""

    format: Literal[1]
    kind: Literal["emergence"]
    name: Text
    title: Text
    description: Text
    prior_break: PriorBreak
    priors: EmergencePriors
    break_place: BreakPlace
    noise: EmergenceNoise
    pass_rate: PassRatePriors


def load_emergence_card(
    model: str | Path | EmergenceCard = DEFAULT_EMERGENCE_CARD,
) -> EmergenceCard:
    """Read and validate a card; an edited copy takes the name of its file.

    Parameters
    ----------
    model : str, Path or EmergenceCard
        Name of a card that ships with the package, or the path of a TOML file; a card is returned
        as it is.

    Raises
    ------
    CardError
        There is no such card, or it does not validate; every offending key is named.
    """
    if isinstance(model, EmergenceCard):
        return model
    shipped = {path.stem: path for path in (resource_dir("models") / "emergence").glob("*.toml")}
    path = shipped.get(str(model), Path(model))
    if path.suffix != ".toml" and not path.exists():
        raise CardError(
            unknown_name("emergence model", str(model), shipped)
            + "; or give the path of a card, such as my_emergence.toml"
        )
    card = read_card(path, EmergenceCard, "of emergence")
    edited = card.name in shipped and path != shipped[card.name]
    return card.model_copy(update={"name": path.stem}) if edited else card
