"""`fit_shapes`: from metric curves to a posterior of their trends, with its checks."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.sample import DEFAULT_SEED, Effort
from bayes_scaling.inference.storage import SHAPES_CREATOR
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.card import DEFAULT_SHAPE_CARD, ShapeCard, load_shape_card
from bayes_scaling.shapes.checks import convergence_checks, score_checks
from bayes_scaling.shapes.design import ShapeDesign, make_shape_design
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.posterior import SHAPES_FORMAT, ShapeFit
from bayes_scaling.shapes.turns import turn_check

__all__ = ["assemble_shapes", "fit_shapes"]

_PACKAGES = ("bayes-scaling", "pymc", "nutpie", "arviz", "pytensor", "numpy", "xarray")
_STATISTICS = ("diverging", "energy", "n_steps", "step_size", "maxdepth_reached", "logp")


def fit_shapes(
    metrics: MetricCurves,
    *,
    model: str | Path | ShapeCard = DEFAULT_SHAPE_CARD,
    along: str | None = None,
    by: str | None = None,
    bends: int | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = DEFAULT_SEED,
    target_accept: float = 0.9,
    cores: int | None = None,
    progress: bool = True,
) -> ShapeFit:
    """Sample the trends of all tasks of a table at once.

    Chains that have nearly mixed go on for as long as they need, at most to sixteen times their
    length, of which as many draws are kept; where that is not enough, or draws diverge, they start
    anew with smaller steps.

    Parameters
    ----------
    metrics : MetricCurves
        From `read_metrics` or `load_metrics`.
    model : str, Path or ShapeCard
        Name of a card of shapes, or the path of one.
    along : {"params", "tokens", "flops"}, optional
        The scale; by default the first of them that every row has.
    by : str, optional
        Column, such as "family", whose groups have a mean slope of their own.
    bends : {1, 2}, optional
        Most bends of a task; by default what the card says.
    draws, tune, chains : int
        Kept and tuning draws of a chain, and the number of chains.
    seed : int
        The same seed gives the same draws, bit for bit, on one machine; but a model that is
        compiled for the first time there may round differently from one out of the cache.
    target_accept : float
        Acceptance that the step size is tuned to.
    cores : int, optional
        Most chains to run at once; by default as many as the machine has cores.
    progress : bool
        Show progress on standard error, or in the notebook.

    Returns
    -------
    ShapeFit
        Check ``fit.trusted`` and ``fit.problems()`` before using it.

    Raises
    ------
    InputError
        The card, a column, a scale or a setting is not valid.

    Examples
    --------
    >>> fit = fit_shapes(load_metrics("gpt3-benchmarks"))  # doctest: +SKIP
    >>> fit.probabilities(at_params="1T").table()  # doctest: +SKIP
    """
    effort = Effort(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept, cores=cores,
    )  # fmt: skip
    card = load_shape_card(model).with_bends(bends)
    design = make_shape_design(metrics, along=along, by=by)
    start = time.perf_counter()
    sampling, attempts = sample_with_care(
        build_shape_model(card, design), effort, seed=seed, progress=progress
    )
    seconds = {**sampling.seconds, "attempts": attempts, "total": time.perf_counter() - start}
    return assemble_shapes(card, design, metrics, sampling.tree, seed=seed, by=by, seconds=seconds)


def assemble_shapes(
    card: ShapeCard,
    design: ShapeDesign,
    metrics: MetricCurves,
    sampled: xr.DataTree,
    *,
    seed: int,
    by: str | None = None,
    seconds: dict[str, float] | None = None,
) -> ShapeFit:
    """The fit of draws that a sampler returned, with its checks."""
    statistics = sampled["sample_stats"].to_dataset()
    kept = [name for name in _STATISTICS if name in statistics]
    posterior = sampled["posterior"].to_dataset().drop_attrs()
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": statistics[kept],
            "constant_data": _scores_table(design),
        }
    )
    figures, checks = convergence_checks(posterior, tree["sample_stats"].to_dataset())
    checks += [
        CheckResult(name=p.code, passed=None, fatal=False, text=p.message) for p in metrics.problems
    ]
    scales = {c: asdict(s) for c, s in zip(design.curves, design.scales, strict=True)}
    tree.attrs = {
        "format": SHAPES_FORMAT,
        "creator": SHAPES_CREATOR,
        "card": card.model_dump_json(),
        "name": metrics.name,
        "source": metrics.source,
        "metrics_hash": metrics.hash,
        "along": design.along,
        "by": json.dumps(by),
        "group_of": json.dumps(_group_of(design)),
        "scales": json.dumps(scales),
        "goes_on": json.dumps(_goes_on(design)),
        "seed": seed,
        "diagnostics": json.dumps({**figures, "seconds": seconds or {}}),
        "versions": json.dumps({name: version(name) for name in _PACKAGES}),
    }
    known = [c for c, told in zip(design.curves, design.known, strict=True) if told]
    fit = ShapeFit(tree)
    checks += [*score_checks(fit, known), turn_check(fit, known)]
    tree.attrs["checks"] = json.dumps([check.to_dict() for check in checks])
    return ShapeFit(tree)


def _group_of(design: ShapeDesign) -> dict[str, str]:
    if not design.groups:
        return {}
    return {c: design.groups[g] for c, g in zip(design.curves, design.group, strict=True)}


def _goes_on(design: ShapeDesign) -> list[str]:
    """Curves whose next point inherits the last one's distance from the trend.

    Not those of the checkpoints of several models, which a larger one starts anew.
    """
    return [c for c, new in zip(design.curves, design.several, strict=True) if not new]


def _scores_table(design: ShapeDesign) -> xr.Dataset:
    rows, columns = np.nonzero(design.there)
    size, z = (array[rows, columns] for array in (design.size, design.z))
    scores = np.concatenate(
        [s.score(row[mask]) for s, row, mask in zip(design.scales, design.z, design.there,
                                                    strict=True)]
    )  # fmt: skip
    labels: dict[str, Any] = {
        name: ("score", np.array(values, dtype=object)[rows].astype(str))
        for name, values in (("curve", design.curves), ("task", design.tasks),
                             ("family", design.families))
    }  # fmt: skip
    numbers = {"x": size, "value": scores, "z": z,
               "error": design.error[rows, columns]}  # fmt: skip
    return xr.Dataset({**labels, **{name: ("score", array) for name, array in numbers.items()}})
