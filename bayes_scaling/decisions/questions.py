"""Reading a question: numbers as people write them, groups, and the points they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.units import parse_flops, parse_quantity

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LARGEST", "ON_PRIORS", "Points", "Predictor", "group_labels", "one_group", "quantities",
    "rows_by_group", "with_groups",
]  # fmt: skip

Array = NDArray[np.float64]

Points = Mapping[str, NDArray[Any]]
"""Columns of the points of a question, and perhaps ``group``."""

ON_PRIORS = (
    "How compute is best split moves with the priors of the card as well as with the runs: they "
    "are part of this answer."
)
"""Said of plans where it is so."""

LARGEST = 1e40
"""No budget, size or number of tokens is beyond this; a larger one is a slip of the pen."""


class Predictor(Protocol):
    """What a question asks of a posterior: a `Fit` has it, and so has an average of fits."""

    @property
    def n_draws(self) -> int:
        """Number of draws of every answer."""

    @property
    def seed(self) -> int:
        """Where random draws of an answer start."""

    @property
    def by(self) -> tuple[str, ...]:
        """Grouping columns."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the loss depends on."""

    @property
    def columns(self) -> dict[str, Array]:
        """Numeric columns of the runs."""

    @property
    def counting(self) -> str:
        """What N and C count."""

    @property
    def drifts(self) -> bool:
        """Whether answers carry a discrepancy: that the law is an approximation."""

    @property
    def leans_on_priors(self) -> bool:
        """Whether priors move the plan as well as the runs do."""

    def law_only(self) -> Predictor:
        """The same, with the law taken for the truth."""

    def reaching(self, group: str, flops: float) -> Predictor:
        """The same, with the drift of a group beginning where a run of `flops` would put it."""

    def select_groups(self, group: str | Sequence[str] | None) -> tuple[str, ...]:
        """Groups that a question is about."""

    def predict(
        self, group: str, log_inputs: Mapping[str, Array], draws: NDArray[np.int64] | None = None
    ) -> Array:
        """Draws of the loss of a group at points, (sample, point); all of them, or some."""

    def optimum(self, group: str, flops: Array) -> tuple[Array, Array]:
        """Draws of the compute-optimal params and tokens of budgets, (sample, budget)."""

    def allocation_exponents(self, group: str, flops: Array) -> tuple[Array, Array]:
        """Draws of the allocation exponents at budgets, (sample, budget)."""

    def run_noise(self, group: str, log_inputs: Mapping[str, Array]) -> Noise:
        """Draws of how a single run's log loss lies around its mean, (sample, point)."""


def quantities(values: Any, what: str, *, flops: bool = False) -> NDArray[np.float64]:
    """Positive numbers from a number, a text such as ``"70B"``, or several of them.

    Raises
    ------
    InputError
        One is not a positive finite number, or is absurdly large.
    """
    read = parse_flops if flops else parse_quantity
    many = [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)
    if not many:
        raise InputError(f"{what}: at least one value is needed")
    try:
        parsed = np.array([read(value) for value in many], dtype=float)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    bad = ~(np.isfinite(parsed) & (parsed >= 1) & (parsed < LARGEST))
    if bad.any():
        raise InputError(
            f"{what} must lie between 1 and {LARGEST:g}, not {many[int(np.argmax(bad))]!r}"
        )
    return parsed


def with_groups(
    fit: Predictor, points: Points, group: str | Sequence[str] | None
) -> dict[str, NDArray[Any]]:
    """Points with a ``group`` column: their own, or every point for every group asked about.

    Parameters
    ----------
    fit : Fit or AveragedFit
    points : mapping of str to array of shape (point,)
        At least one column.
    group : str or sequence of str, optional

    Raises
    ------
    InputError
        A group is unknown, or groups are given both in the points and beside them.
    """
    if "group" not in points:
        names = np.array(fit.select_groups(group), dtype=object)
        n = len(next(iter(points.values())))
        repeated = {key: np.repeat(values, len(names)) for key, values in points.items()}
        return {**repeated, "group": np.tile(names, n)}
    if group is not None:
        raise InputError("groups are given twice: as a column of the points and as group=")
    labels = np.array([str(name) for name in points["group"]], dtype=object)
    fit.select_groups(tuple(dict.fromkeys(labels)))
    return {**points, "group": labels}


def rows_by_group(points: Points) -> dict[str, NDArray[np.intp]]:
    """Rows of every group, in the order in which groups first come."""
    labels = points["group"]
    return {name: np.flatnonzero(labels == name) for name in dict.fromkeys(labels)}


def one_group(fit: Predictor, group: str | None) -> str:
    """The group of a question that is about one.

    Raises
    ------
    InputError
        It is unknown, or none is given and the fit has several.
    """
    names = fit.select_groups(group)
    if len(names) > 1:
        raise InputError(
            f"this question is about one group: choose one of {', '.join(map(repr, names))}, or "
            "ask for one without runs"
        )
    return names[0]


def group_labels(fit: Predictor, points: pd.DataFrame) -> NDArray[np.object_] | None:
    """Groups that points name, in a column ``group`` or those that the fit groups by; or None."""
    if "group" in points:
        return points["group"].to_numpy(dtype=object)
    if fit.by and set(fit.by) <= set(points.columns):
        labels = points[list(fit.by)].astype(str).agg("/".join, axis="columns")
        return labels.to_numpy(dtype=object)
    return None
