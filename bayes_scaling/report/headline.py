"""The first sentences of the report: what the runs say, in the law's own parameters."""

from __future__ import annotations

import numpy as np

from bayes_scaling.figures.draws import group_draws
from bayes_scaling.inference.posterior import NEW_GROUP, Fit
from bayes_scaling.inference.summary import leading_name, reported_names
from bayes_scaling.laws import INPUTS, Parameter
from bayes_scaling.report.words import number, quantity, spread

__all__ = ["headline"]

MOST_NAMED = 4
"""Parameters that a sentence can hold; the table has the others."""

GROWTH = "the compute-optimal model size grows as compute to"


def headline(fit: Fit, prob: float) -> list[str]:
    """What the runs say, in a sentence or two a group or population.

    Parameters
    ----------
    fit : Fit
    prob : float
        Probability of the intervals.
    """
    if len(fit.groups) == 1:
        return [_finding(fit, fit.groups[0], prob)]
    sentences = [_over_groups(fit)]
    return [*sentences, _finding(fit, NEW_GROUP, prob)] if fit.pooled else sentences


def _over_groups(fit: Fit) -> str:
    name = leading_name(fit)
    medians = {group: float(np.median(group_draws(fit, group)[name])) for group in fit.groups}
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    what = f"{GROWTH} a power a" if name == "a" else f"the {_named(fit, name)} lies"
    return (
        f"Over {len(fit.groups)} groups by {' and '.join(fit.by)} {what} between "
        f"{number(medians[low], 3)} ({low}) and {number(medians[high], 3)} ({high}); the intervals "
        "of each group are in the table."
    )


def _finding(fit: Fit, group: str, prob: float) -> str:
    draws = group_draws(fit, group)
    names = [name for name in reported_names(fit, scales=False) if name != "a"][:MOST_NAMED]
    values = [f"{_named(fit, n)} = {spread(draws[n], prob)}{_unit(fit, n)}" for n in names]
    subject = "a new group, not among the runs: " if group == NEW_GROUP else ""
    text = f"{subject}{', '.join(values)}. {_consequence(fit, group, prob)}"
    return text[0].upper() + text[1:]


def _consequence(fit: Fit, group: str, prob: float) -> str:
    """What ten times more would change."""
    if fit.law.allocates:
        return _growth(fit, group, prob)
    if len(fit.inputs) > 1:
        return "This law does not say how to split compute between size and data."
    (x,) = fit.inputs
    largest = float(fit.columns[x].max())
    loss = fit.predict(group, {x: np.log([largest, 10 * largest])})
    return (
        f"Ten times the {INPUTS[x].short} of the largest run, {quantity(x, largest)}, would take "
        f"the loss from {number(float(np.median(loss[:, 0])))} to {spread(loss[:, 1], prob)} nats "
        "per token."
    )


def _growth(fit: Fit, group: str, prob: float) -> str:
    largest = float(fit.columns["flops"].max())
    budgets = np.array([largest, 10 * largest])
    params, tokens = fit.optimum(group, budgets)
    bigger, longer = (float(np.median(each[:, 1] / each[:, 0])) for each in (params, tokens))
    a = fit.law_only().allocation_exponents(group, budgets)[0]
    if np.ptp(a[:, 0]) == 0:
        power = f"{number(a[0, 0])}, which the law fixes"
    else:
        power = spread(a[:, 0], prob)
    where = "" if np.allclose(a[:, 0], a[:, 1]) else " at the largest compute of the runs"
    return (
        f"{GROWTH[0].upper()}{GROWTH[1:]} the power a = {power}{where}, so ten times the compute "
        f"calls for about {bigger:.2g} times the parameters and {longer:.2g} times the tokens."
    )


def _named(fit: Fit, name: str) -> str:
    """A parameter as a sentence names it, without remarks."""
    return f"{_parameter(fit, name).meaning.split(' (')[0]} {name}"


def _unit(fit: Fit, name: str) -> str:
    unit = _parameter(fit, name).unit
    return f" {unit}" if unit else ""


def _parameter(fit: Fit, name: str) -> Parameter:
    return next(each for each in fit.law.parameters if each.name == name)
