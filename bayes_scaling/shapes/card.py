"""Cards of shape models: like model cards, for scores instead of losses; in ``models/shapes/``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bayes_scaling.cards import Beta, Card, CardKind, LogNormal, Normal, Positive, Strict, Text
from bayes_scaling.errors import InputError

__all__ = ["DEFAULT_SHAPE_CARD", "ShapeCard", "list_shape_cards", "load_shape_card"]

DEFAULT_SHAPE_CARD = "shapes"


class WideChange(Strict):
    """A share of the tasks, whose slopes change by Normal(what is expected, sigma) at the bend."""

    share: Annotated[float, Field(gt=0, lt=1)]
    sigma: Positive
    reason: Text


class ShapePriors(Strict):
    """Of the population of tasks; the card says what each is on."""

    level_mean: Normal
    level_spread: LogNormal
    slope_mean: Normal
    slope_spread: LogNormal
    slope_between: LogNormal
    early: Beta
    early_place: Normal
    late_place: Normal
    gap: LogNormal
    width: LogNormal
    change_spread: LogNormal
    wide_change: WideChange
    second_spread: LogNormal
    recovery: Normal
    saturation: Normal


class ShapeNoise(Strict):
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


class ShapeCard(Card):
    """Priors and likelihood of a shape model, each with its reason."""

    kind: Literal["shapes"]
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


SHAPE_CARDS = CardKind(card=ShapeCard, of="shape model", folder="shapes")


def list_shape_cards() -> tuple[ShapeCard, ...]:
    """The cards that ship with the package, by name."""
    return tuple(load_shape_card(path) for path in SHAPE_CARDS.shipped().values())


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
    return SHAPE_CARDS.load(model)
