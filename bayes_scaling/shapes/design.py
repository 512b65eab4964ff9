"""Metric curves as arrays: one row a curve, sizes in decades from the middle of those seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.metric_columns import DERIVED, unknown_scale
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.scale import MetricScale, error_is_known, latent
from bayes_scaling.shapes.trend import fitted_line

__all__ = ["ShapeDesign", "make_shape_design"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ShapeDesign:
    """Arrays of a shape model, padded to the longest curve with cells that nothing looks at.

    Attributes
    ----------
    curves, tasks, families : tuple of str
        Label, task and family of every curve.
    along : str
        The scale: "params", "tokens" or "flops".
    scales : tuple of MetricScale
    size : array of shape (curve, point)
        As given.
    middle : array of shape (curve,)
        Mean decimal logarithm of the sizes seen.
    x, z, error : array of shape (curve, point)
        Centred decades; latent scores; their sampling errors.
    known : bool array of shape (curve,)
        Whether the sampling errors of a curve come from the table, rather than being assumed.
    there : bool array of shape (curve, point)
        Which cells hold a score.
    previous : int array of shape (curve, point)
        Which point of the curve has part of its distance from the trend left at this one: the size
        before, or the checkpoint before of the same model; the point itself where there is none.
        Where several scores are of that size, the first of them: their mean distance is left.
    alike : int array of shape (curve, point)
        The first point of the same size (of checkpoints, of the same model), which is itself where
        a size has one score. Scores of one size scatter independently around the trend.
    checkpoints : bool
        Whether points are checkpoints of models rather than models.
    model : int array of shape (curve, point)
        Which model a point is a checkpoint of, over all curves; -1 where it is that of a curve
        with a single one, or no checkpoint.
    groups : tuple of str
        Labels of what mean slopes are pooled over; empty without.
    group : int array of shape (curve,)
    """

    curves: tuple[str, ...]
    tasks: tuple[str, ...]
    families: tuple[str, ...]
    along: str
    scales: tuple[MetricScale, ...]
    size: Array
    middle: Array
    x: Array
    z: Array
    error: Array
    known: NDArray[np.bool_]
    there: NDArray[np.bool_]
    previous: NDArray[np.int64]
    alike: NDArray[np.int64]
    checkpoints: bool
    model: NDArray[np.int64]
    groups: tuple[str, ...]
    group: NDArray[np.int64]

    @property
    def last(self) -> Array:
        """Largest size seen of every curve, in centred decades."""
        return np.where(self.there, self.x, -np.inf).max(axis=1)

    @property
    def several(self) -> NDArray[np.bool_]:
        """Which curves hold the checkpoints of several models, (curve,)."""
        return np.asarray((self.model >= 0).any(axis=1))

    @property
    def line(self) -> tuple[Array, Array]:
        """Weights of least squares over the sizes seen, each (curve, point); 0 in empty cells."""
        level, slope = np.zeros_like(self.x), np.zeros_like(self.x)
        for i, mask in enumerate(self.there):
            level[i, mask], slope[i, mask] = fitted_line(self.x[i, mask])
        return level, slope

    @property
    def gap(self) -> Array:
        """Decades from each point to its `previous`, (curve, point); inf where there is none."""
        gap = self.x - np.take_along_axis(self.x, self.previous, axis=1)
        alone = self.previous == np.arange(self.x.shape[1])
        return np.where(self.there & ~alone, gap, np.inf)

    @property
    def repeats(self) -> bool:
        """Whether any size of a curve (of a model's checkpoints) has several scores."""
        return bool((self.alike != np.arange(self.alike.shape[1])).any())

    @property
    def together(self) -> NDArray[np.bool_]:
        """Which points are scores of one size, (curve, point, point)."""
        return np.asarray(self.alike[:, :, None] == self.alike[:, None, :])

    def with_scores(self, z: Array) -> ShapeDesign:
        """The same sizes with other latent scores, (curve, point)."""
        return ShapeDesign(**{**vars(self), "z": np.where(self.there, z, 0.0)})


def make_shape_design(
    metrics: MetricCurves, *, along: str | None = None, by: str | None = None
) -> ShapeDesign:
    """Arrays of a table of metric curves.

    Parameters
    ----------
    metrics : MetricCurves
    along : str, optional
        The scale; by default the first that every row has, of params, tokens, flops.
    by : str, optional
        Column that makes groups of curves with a mean slope of their own.

    Raises
    ------
    InputError
        The scale or the column is not there, no curve has two sizes on that scale, or the score
        of one never changes.
    """
    if not metrics.scales or along not in (None, *metrics.scales):
        raise InputError(unknown_scale(along, metrics.scales))
    along = along or metrics.scales[0]
    _refuse_constant(metrics)
    table = metrics.table.assign(x=np.log10(metrics.column(along)))
    if by is not None and by not in metrics.table:
        named = [column for column in metrics.table.columns if column not in DERIVED]
        raise InputError(unknown_name("group column", by, named))
    several = table.groupby("curve")["x"].nunique()
    table = table[table["curve"].isin(several.index[several > 1])]
    if table.empty:
        raise InputError(f"no curve has two sizes in {along}; choose another scale")
    parts = [part.sort_values("x", kind="stable") for _, part in table.groupby("curve", sort=True)]
    shape = (len(parts), max(map(len, parts)))
    arrays = {name: np.zeros(shape) for name in ("size", "x", "z", "error")}
    there, middle, scales = np.zeros(shape, dtype=bool), np.zeros(len(parts)), []
    known = np.zeros(len(parts), dtype=bool)
    previous = np.tile(np.arange(shape[1]), (shape[0], 1))
    alike = previous.copy()
    model = np.full(shape, -1)
    checkpoints = metrics.checkpoints == "all"
    for i, part in enumerate(parts):
        given = [
            part[name].to_numpy(dtype=float) if name in part else np.full(len(part), np.nan)
            for name in ("value", "stderr", "n_examples", "chance")
        ]
        bounded, better = (bool(part[name].iloc[0]) for name in ("bounded", "higher_is_better"))
        scale, z, error = latent(*given, bounded=bounded, better=better)
        known[i] = error_is_known(*given[:3], bounded=bounded)
        n = len(part)
        middle[i], there[i, :n] = part["x"].mean(), True
        arrays["x"][i, :n], arrays["z"][i, :n] = part["x"] - middle[i], z
        arrays["error"][i, :n], arrays["size"][i, :n] = error, part[along]
        own = _models(part) if checkpoints else np.zeros(n, dtype=np.int64)
        previous[i, :n], alike[i, :n] = _linked(own, part[along].to_numpy(dtype=float))
        if own.max() > 0:
            model[i, :n] = model.max() + 1 + own
        scales.append(scale)
    labels = ["" if by is None else str(part[by].iloc[0]) for part in parts]
    groups = () if by is None else tuple(dict.fromkeys(labels))
    return ShapeDesign(
        curves=tuple(str(part["curve"].iloc[0]) for part in parts),
        tasks=tuple(str(part["task"].iloc[0]) for part in parts),
        families=tuple(str(part["family"].iloc[0]) for part in parts),
        along=along,
        scales=tuple(scales),
        middle=middle,
        known=known,
        there=there,
        previous=previous,
        alike=alike,
        checkpoints=checkpoints,
        model=model,
        groups=groups,
        group=np.array([groups.index(label) if groups else 0 for label in labels]),
        **arrays,
    )


def _refuse_constant(metrics: MetricCurves) -> None:
    different = metrics.table.groupby("curve")["value"].nunique()
    names = different.index[different < 2]
    if len(names):
        raise InputError(
            f"the score of {', '.join(map(repr, names[:3]))} never changes, which says neither how "
            "a task scales nor how it scatters; read the table without keep_constant=True"
        )


def _models(part: pd.DataFrame) -> NDArray[np.int64]:
    """Which model each row of a curve is a checkpoint of: by name, size and seed, where known."""
    told = [c for c in ("model", "params", "seed") if c in part]
    if not told:
        return np.zeros(len(part), dtype=np.int64)
    return np.asarray(part.groupby(told, dropna=False).ngroup(), dtype=np.int64)


def _linked(model: NDArray[np.int64], size: Array) -> tuple[list[int], list[int]]:
    """First row of the size before of the same model, and of the same size; else its own."""
    first: dict[int, int] = {}
    previous: list[int] = []
    alike: list[int] = []
    for i, name in enumerate(map(int, model)):
        latest = first.get(name, i)
        if size[latest] == size[i] and latest != i:
            alike.append(latest)
            # As of the row that it is alike; the first size has none before it.
            previous.append(i if previous[latest] == latest else previous[latest])
        else:
            alike.append(i)
            previous.append(latest)
            first[name] = i
    return previous, alike
