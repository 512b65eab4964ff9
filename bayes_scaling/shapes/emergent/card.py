"""The card of `emergence`: priors of the smooth and the broken law, in ``models/emergence/``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bayes_scaling.cards import Card, CardKind, LogNormal, Normal, Strict, Text

__all__ = ["DEFAULT_EMERGENCE_CARD", "EmergenceCard", "load_emergence_card"]

DEFAULT_EMERGENCE_CARD = "emergence"
Share = Annotated[float, Field(gt=0, lt=1)]


class PriorBreak(Strict):
    """Probability of a break before the scores are seen."""

    probability: Share
    reason: Text


class EmergencePriors(Strict):
    """Of one task; the card says what each is on."""

    start: LogNormal
    exponent: LogNormal
    floor: LogNormal
    change: LogNormal
    width: LogNormal
    guess: LogNormal
    answer_tokens: LogNormal


class BreakPlace(Strict):
    """Where a break may be."""

    margin: Annotated[float, Field(ge=0, lt=0.5)]
    reason: Text


class EmergenceNoise(Strict):
    """How sizes scatter around the law, and scores around what that gives."""

    family: Literal["student-t"]
    nu: Annotated[float, Field(gt=2, allow_inf_nan=False)]
    within: Annotated[float, Field(ge=1e-4, lt=1)]
    within_choice: Annotated[float, Field(ge=1e-4, lt=1)]
    scatter: LogNormal
    reason: Text


class PassRatePriors(Strict):
    """Of the law of pass rates."""

    level: LogNormal
    exponent: LogNormal
    scatter: LogNormal
    drift: Normal


class EmergenceCard(Card):
    """Priors and likelihood of `emergence`, each with its reason."""

    kind: Literal["emergence"]
    prior_break: PriorBreak
    priors: EmergencePriors
    break_place: BreakPlace
    noise: EmergenceNoise
    pass_rate: PassRatePriors


EMERGENCE_CARDS = CardKind(card=EmergenceCard, of="emergence model", folder="emergence")


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
    return EMERGENCE_CARDS.load(model)
