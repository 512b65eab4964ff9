"""What further runs are for: the quantity that they should make more certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import Predictor, quantities
from bayes_scaling.decisions.reweighting import Target
from bayes_scaling.errors import InputError, unknown_name

__all__ = ["GOALS", "Goal", "read_goal", "reread"]

N_SIZES = 31
"""Sizes that are decided between, over what the optimum may be."""

TAIL = 0.005
_STEP = 1.05
"""Factor on compute over which the slope of the loss is measured."""

Array = NDArray[np.float64]


class _Parameters(Protocol):
    def parameters(self, group: str) -> Mapping[str, Array]: ...


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A quantity that runs should make more certain, with its draws.

    Attributes
    ----------
    text : str
        As it was asked for, such as "loss@70B,1.4T".
    what, unit : str
        The quantity whose standard deviation is told, in words, and its unit.
    target : Target
        Its draws, and the losses of what is decided between.
    now : float
        Its standard deviation now.
    groups : tuple of str
        Groups that it is about.
    regret : float
        Expected regret of deciding now (nats); nan where nothing is decided.
    flops : float
        Compute of the decision, FLOPs; nan where there is none.
    slope : float
        Nats that the loss falls there for one more FLOP, in expectation; nan where there is none.
    decades_beyond : float
        Of the compute that it is about, beyond the largest run.
    """

    text: str
    what: str
    unit: str
    target: Target
    now: float
    groups: tuple[str, ...]
    decades_beyond: float
    regret: float = float("nan")
    flops: float = float("nan")
    slope: float = float("nan")

    @property
    def decides(self) -> bool:
        """Whether something is decided, so that regret can be saved."""
        return self.target.losses is not None


def read_goal(fit: Predictor, text: str, group: str | Sequence[str] | None = None) -> Goal:
    """The goal that a text names, for a posterior.

    Parameters
    ----------
    fit : Fit or AveragedFit
    text : str
        ``loss@N,D``, the loss of a run; ``optimum@C``, the log of the compute-optimal size;
        ``choice@C``, which of two groups reaches the lower loss; ``law``, whether Kaplan's or
        Chinchilla's law holds (gamma and E of the coupled law).
    group : str or sequence of str, optional
        The group that it is about, or the two to choose between; the two with the lowest expected
        losses by default.

    Raises
    ------
    InputError
        The goal cannot be read, or the fit cannot answer it.
    """
    kind, _, at = text.strip().partition("@")
    kind = kind.strip().casefold()
    if kind not in GOALS:
        raise InputError(f"{unknown_name('goal', text, FORMS)}; such as loss@70B,1.4T")
    return GOALS[kind](fit, text, _numbers(kind, at, text), group)


def reread(fit: Predictor, goal: Goal) -> Goal:
    """The same goal for the posterior as it stands now: its groups stay the same."""
    return read_goal(fit, goal.text, goal.groups if fit.by else None)


def _numbers(kind: str, at: str, text: str) -> list[Array]:
    """What a goal says after its @, one array of shape (1,) each."""
    wanted = {"loss": ("params", "tokens"), "law": ()}.get(kind, ("flops",))
    given = [part.strip() for part in at.split(",")] if at.strip() else []
    if len(given) != len(wanted):
        form = next(form for form in FORMS if form.startswith(kind))
        raise InputError(f"the goal {text!r} cannot be read; write {form}, such as {SUCH_AS[kind]}")
    pairs = zip(wanted, given, strict=True)
    return [
        quantities(value, f"{name} of the goal", flops=name == "flops") for name, value in pairs
    ]


def _loss(fit: Predictor, text: str, at: list[Array], group: Any) -> Goal:
    params, tokens = at
    name = _one_group(fit, group, text)
    loss = fit.predict(name, {"params": np.log(params), "tokens": np.log(tokens)})
    return Goal(
        text=text,
        what=f"loss of {text.partition('@')[2]}{_of(fit, name)}",
        unit="nats",
        target=Target(values=loss),
        now=_sd(loss),
        groups=(name,),
        decades_beyond=_beyond(fit, 6.0 * params[0] * tokens[0]),
    )


def _optimum(fit: Predictor, text: str, at: list[Array], group: Any) -> Goal:
    """Which size to train with a budget: decided between sizes on a grid."""
    name, (flops,) = _one_group(fit, group, text), at
    log_params = np.log(fit.optimum(name, flops)[0])
    low, high = np.quantile(log_params, [TAIL, 1 - TAIL])
    sizes = np.linspace(low, high, N_SIZES)
    losses = fit.predict(name, {"params": sizes, "tokens": np.log(flops / 6.0) - sizes})
    return Goal(
        text=text,
        what=f"log of the compute-optimal size at {text.partition('@')[2]} FLOPs{_of(fit, name)}",
        unit="log params",
        target=Target(values=log_params, losses=losses),
        now=_sd(log_params),
        groups=(name,),
        regret=_regret(losses),
        flops=float(flops[0]),
        slope=_slope(fit, name, flops),
        decades_beyond=_beyond(fit, flops[0]),
    )


def _choice(fit: Predictor, text: str, at: list[Array], group: Any) -> Goal:
    """Which of two groups to train with a budget, each at its own optimum."""
    (flops,) = at
    names = tuple(dict.fromkeys(fit.select_groups(group)))
    if len(fit.select_groups(None)) < 2:
        raise InputError(
            f"the goal {text!r} is a choice between two groups, and the fit has one; fit with --by "
            "(by=) a column that tells groups apart"
        )
    if len(names) < 2 or (group is not None and len(names) != 2):
        raise InputError(
            f"the goal {text!r} is a choice between two groups, not {len(names)}; name two of "
            f"{', '.join(map(repr, fit.select_groups(None)))}"
        )
    optimal = {name: _optimal_loss(fit, name, flops) for name in names}
    best = sorted(names, key=lambda name: float(optimal[name].mean()))[:2]
    losses = np.concatenate([optimal[name] for name in best], axis=1)
    difference = losses[:, :1] - losses[:, 1:]
    return Goal(
        text=text,
        what=f"difference of the loss of {best[0]} and {best[1]} at {text.partition('@')[2]} FLOPs",
        unit="nats",
        target=Target(values=difference, losses=losses),
        now=_sd(difference),
        groups=tuple(best),
        regret=_regret(losses),
        flops=float(flops[0]),
        slope=_slope(fit, best[0], flops),
        decades_beyond=_beyond(fit, flops[0]),
    )


def _law(fit: Predictor, text: str, _: list[Array], group: Any) -> Goal:
    """Kaplan's law or Chinchilla's: gamma (1 for the second) and E (0 for the first)."""
    name = _one_group(fit, group, text)
    theta = _parameters(fit, name)
    if not {"E", "gamma"} <= set(theta):
        raise InputError(
            "the goal 'law' needs a law that holds both Kaplan's and Chinchilla's, with gamma and "
            "E: fit the card coupled, coupled-informed or kaplan-or-chinchilla"
        )
    values = np.stack([np.log(theta["gamma"]), theta["E"]], axis=1)
    return Goal(
        text=text,
        what=f"log gamma and E together, as a share of now{_of(fit, name)}",
        unit="of now",
        target=Target(values=values),
        now=1.0,
        groups=(name,),
        decades_beyond=0.0,
    )


def _parameters(fit: Predictor, name: str) -> Mapping[str, Array]:
    """Parameters of a group, none for a posterior that has no single law."""
    parameters = getattr(fit, "parameters", None)
    return {} if parameters is None else parameters(name)


def _one_group(fit: Predictor, group: Any, text: str) -> str:
    names = fit.select_groups(group)
    if len(names) != 1:
        raise InputError(
            f"the goal {text!r} is about one group; name one of {', '.join(map(repr, names))} "
            "with --group (group=)"
        )
    return names[0]


def _of(fit: Predictor, name: str) -> str:
    return f" of {name}" if fit.by else ""


def _optimal_loss(fit: Predictor, name: str, flops: Array) -> Array:
    params, tokens = fit.optimum(name, flops)
    return fit.predict(name, {"params": np.log(params), "tokens": np.log(tokens)})


def _slope(fit: Predictor, name: str, flops: Array) -> float:
    """Nats a FLOP by which the expected loss at the optimum falls; nan where it does not."""
    low, high = (float(_optimal_loss(fit, name, flops * f).mean()) for f in (1 / _STEP, _STEP))
    slope = (low - high) / float(flops[0] * (_STEP - 1 / _STEP))
    return slope if slope > 0 else float("nan")


def _regret(losses: Array) -> float:
    """Expected regret of the action that is best in expectation."""
    return float(losses.mean(axis=0).min() - losses.min(axis=1).mean())


def _sd(values: Array) -> float:
    return float(np.std(values, ddof=1))


def _beyond(fit: Predictor, flops: float) -> float:
    return float(np.log10(flops / fit.columns["flops"].max()))


GOALS: dict[str, Callable[[Predictor, str, list[Array], Any], Goal]] = {
    "loss": _loss,
    "optimum": _optimum,
    "choice": _choice,
    "law": _law,
}
FORMS = ("loss@N,D", "optimum@C", "choice@C", "law")
SUCH_AS = {
    "loss": "loss@70B,1.4T",
    "optimum": "optimum@5.76e23",
    "choice": "choice@1e23",
    "law": "law",
}
