"""Model cards: the one place where a prior lives.

A card is a TOML file that names a law and states, with its reasons, every prior, what the
hierarchy pools over, and the likelihood. `load_card` reads one by name (those that ship in
``models/``) or by path (a copy that the reader edited).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bayes_scaling.cards import (
    Card,
    CardKind,
    LogNormal,
    Normal,
    Positive,
    Strict,
    Text,
)  # fmt: skip
from bayes_scaling.laws import Law, Parameter, drift_parameters, get_law

__all__ = [
    "Discrepancy", "ModelCard", "Noise", "Pooling", "Prior", "Rows", "Varying", "list_cards",
    "load_card", "parse_card",
]  # fmt: skip

CARD_FORMAT = 1
SLOPE = "sigma_slope"

Prior = Annotated[LogNormal | Normal, Field(discriminator="distribution")]


class Noise(Strict):
    """How runs scatter around the law, on the logarithm of the loss.

    ``slope`` lets the logarithm of the scatter change by so much a decade of compute, ``sigma``
    being that of a typical run. ``skew`` makes the scatter above the law so many times as wide as
    the scatter below it: undertuned runs are worse than the law, and nothing makes them better.
    ``memory`` is for points of one learning curve: rows so many factors of e apart (in compute, or
    the law's only variable) keep 1/e of what they are off the law (see
    `bayes_scaling.inference.memory`); the rows of a group are then one curve.
    """

    family: Literal["student-t"]
    sigma: LogNormal
    nu: LogNormal
    run_sigma: LogNormal
    slope: Normal | None = None
    skew: LogNormal | None = None
    memory: LogNormal | None = None


class Pooling(Strict):
    """What the hierarchy pools over, and how far groups may lie from one another.

    ``over`` names one column or two crossed ones that are pooled over unless others are asked
    for; ``spread`` has a prior for the standard deviation between groups of every sampled
    parameter (of its logarithm where it is positive) and of the noise, ``sigma``.
    """

    over: Annotated[tuple[Text, ...], Field(max_length=2)] = ()
    spread: dict[str, LogNormal]


class Varying(Strict):
    """Parameters that vary between the budgets of a group, around the group's own.

    ``spread`` has a prior for their standard deviation, on the scale where they are sampled; the
    parameters that it does not name are the same at every budget.
    """

    over: Literal["budget"]
    spread: Annotated[dict[str, LogNormal], Field(min_length=1)]


class Rows(Strict):
    """Which rows of a table the model is about.

    ``near_best`` keeps those whose loss is at most this share above the least loss that any run of
    the group reached with no more compute; ``bracketed`` those of budgets whose best size has
    smaller and larger ones beside it; ``recent`` those within this factor of the largest compute
    of their group (or of the law's only variable), and never fewer than ``fewest`` of them.
    """

    near_best: Positive | None = None
    bracketed: bool = False
    recent: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = None
    fewest: Annotated[int, Field(ge=2)] = 6
    reason: Text

    @model_validator(mode="after")
    def _says_something(self) -> Rows:
        if self.near_best is None and (self.bracketed or self.recent is None):
            raise ValueError("near_best or recent is needed; bracketed goes with near_best")
        return self


class Discrepancy(Strict):
    """That the law is an approximation: beyond the runs the loss drifts away from it.

    The drift begins ``within`` decades before the costliest run of a group, and its parameters
    have priors like those of the law (see `bayes_scaling.laws.drift`). ``reason`` is for those who
    use its intervals, ``tried`` for those who would change it.
    """

    within: Annotated[float, Field(ge=0, le=3)]
    reason: Text
    tried: Text | None = None

    @property
    def notes(self) -> str:
        """All that is said about it, in one paragraph."""
        return " ".join(f"{self.reason} {self.tried or ''}".split())


class ModelCard(Card):
    """A law with its priors, its hierarchy and its likelihood.

    ``x`` chooses the variable of a law of one variable. A card with ``pooling`` pools over the
    columns that a fit is grouped by, and fits all runs as one group where there are none.
    ``learned_from`` names the data sets of the catalogue from which, or from a part of which,
    priors were learned, so that a back-test on one of them can say so. Take it out of a copy
    whose priors are others.
    """

    law: Text
    x: Text | None = None
    learned_from: tuple[Text, ...] = ()
    priors: dict[str, Prior]
    noise: Noise
    pooling: Pooling | None = None
    varying: Varying | None = None
    rows: Rows | None = None
    discrepancy: Discrepancy | None = None

    def get_law(self) -> Law:
        """The scaling law itself."""
        return get_law(self.law, self.x)

    def on(self, x: str | None) -> ModelCard:
        """The card with its law of one variable put on another; itself for None."""
        if x is None:
            return self
        get_law(self.law, x)
        return self.model_copy(update={"x": x})

    def law_only(self) -> ModelCard:
        """The card without its discrepancy, under a name that says so."""
        if self.discrepancy is None:
            return self

        def own(priors: Mapping[str, Any]) -> dict[str, Any]:
            drift = {each.name for each in drift_parameters(self.get_law())}
            return {name: prior for name, prior in priors.items() if name not in drift}

        pooling = self.pooling
        if pooling is not None:
            pooling = pooling.model_copy(update={"spread": own(pooling.spread)})
        new = {
            "name": f"{self.name}, law only",
            "title": f"{self.title}, the law taken for the truth",
            "discrepancy": None,
            "pooling": pooling,
        }
        return self.model_copy(update={**new, "priors": own(self.priors)})

    def prior_of(self, name: str) -> Prior:
        """Prior of a parameter that groups have of their own, by its name in a posterior."""
        if name == SLOPE and self.noise.slope is not None:
            return self.noise.slope
        return self.noise.sigma if name == "sigma" else self.priors[name]

    @property
    def within(self) -> float | None:
        """Decades before the costliest run where the drift begins; None where there is none."""
        return None if self.discrepancy is None else self.discrepancy.within

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What groups have of their own: parameters of the law, of its drift, of the noise."""
        noise = ("sigma",) if self.noise.slope is None else (SLOPE, "sigma")
        return (*(each.name for each in self.sampled), *noise)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Those that are not the law's: of its drift, and of the noise."""
        return self.parameter_names[len(self.get_law().sampled) :]

    @property
    def sampled(self) -> tuple[Parameter, ...]:
        """Parameters that need a prior: those of the law, and those of its drift."""
        law = self.get_law()
        return law.sampled if self.discrepancy is None else (*law.sampled, *drift_parameters(law))

    def grouped_by(self, by: Sequence[str]) -> ModelCard:
        """The card as it is fitted: without pooling where there is nothing to pool over."""
        return self if by else self.model_copy(update={"pooling": None})

    @model_validator(mode="after")
    def _names_are_the_laws(self) -> ModelCard:
        sampled = self.sampled
        wanted = [parameter.name for parameter in sampled]
        _require_names("priors", self.priors, wanted)
        for parameter in sampled:
            expected = "lognormal" if parameter.support == "positive" else "normal"
            if self.priors[parameter.name].distribution != expected:
                raise ValueError(
                    f"priors.{parameter.name}: {parameter.name} is {parameter.support}, so its "
                    f"prior must be {expected!r}, not "
                    f"{self.priors[parameter.name].distribution!r}"
                )
        if self.pooling is not None:
            _require_names("pooling.spread", self.pooling.spread, list(self.parameter_names))
        if self.varying is not None and self.noise.memory is not None:
            raise ValueError("noise.memory: rows of a curve have no budgets; leave out varying")
        if self.varying is not None:
            known = [name for name in wanted if name in self.varying.spread]
            _require_names("varying.spread", self.varying.spread, known or wanted[:1])
        return self


def _require_names(where: str, given: Mapping[str, object], wanted: list[str]) -> None:
    unknown = sorted(set(given) - set(wanted))
    missing = [name for name in wanted if name not in given]
    if unknown or missing:
        raise ValueError(
            f"{where}: "
            + "; ".join(
                text
                for text in (
                    f"unknown {', '.join(unknown)}" if unknown else "",
                    f"missing {', '.join(missing)}" if missing else "",
                    f"a prior is needed for each of {', '.join(wanted)}",
                )
                if text
            )
        )


MODEL_CARDS = CardKind(card=ModelCard, of="model")


def list_cards() -> tuple[ModelCard, ...]:
    """The cards that ship with the package, by name."""
    return tuple(load_card(path) for path in MODEL_CARDS.shipped().values())


def load_card(model: str | Path | ModelCard) -> ModelCard:
    """Read and validate a model card; an edited copy takes the name of its file.

    Parameters
    ----------
    model : str, Path or ModelCard
        Name of a card that ships with the package, or the path of a TOML file; a card is
        returned as it is.

    Raises
    ------
    CardError
        There is no such card, or it does not validate; every offending key is named.
    """
    return MODEL_CARDS.load(model)


def parse_card(text: str, *, source: str = "card") -> ModelCard:
    """Validate a card given as TOML text; `source` names it in errors."""
    return MODEL_CARDS.parse(text, source=source)
