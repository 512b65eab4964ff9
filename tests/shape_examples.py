"""Small fits of shapes for tests: no sampler, no compilation, known truth."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.runs import MetricCurves, read_metrics
from bayes_scaling.shapes.card import load_shape_card
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.fitting import assemble_shapes
from bayes_scaling.shapes.posterior import ShapeFit

CHAINS, DRAWS = 4, 400
SIZES = np.geomspace(1e8, 1e10, 5)

TRUTHS = {
    "falls": {"slope": -0.8, "change": 0.0, "place": 3.0},
    "flat": {"slope": 0.0, "change": 0.0, "place": 3.0},
    "jumps": {"slope": 0.0, "change": 2.5, "place": 2.0},
    "rises": {"slope": 0.8, "change": 0.0, "place": 3.0},
    "turns": {"slope": -0.8, "change": 2.4, "place": 1.1},
}
"""Average slope, change of slope and place of the bend (decades from the middle) of five tasks."""

POPULATION = {
    "level_mean": 0.0, "level_spread": 0.6, "slope_mean": 0.1, "slope_spread": 0.5, "width": 0.15,
    "change_spread": 0.5, "recovery": 1.0, "saturation": 0.2, "early": 0.6, "persistence": 0.4,
    "nu": 6.0, "scatter_spread": 0.5, "log_scatter_mean": np.log(0.1),
}  # fmt: skip


def example_metrics(family: str = "dense") -> MetricCurves:
    """Scores of five tasks at five sizes, near the truths."""
    x = np.log10(SIZES) - np.log10(SIZES).mean()
    rng = np.random.default_rng(1)
    rows = []
    for task, truth in TRUTHS.items():
        z = truth["slope"] * x + 0.03 * rng.standard_normal(len(x))
        scores = 1 / (1 + np.exp(-z))
        rows += [
            {"task": task, "family": family, "metric": "acc", "chance": 0.5, "n_examples": 1000,
             "params": n, "value": value, "tokens": 2e11}
            for n, value in zip(SIZES, scores, strict=True)
        ]  # fmt: skip
    return read_metrics(pd.DataFrame(rows), name="example")


@functools.cache
def example_shapes(*, spread: float = 0.05, seed: int = 1) -> ShapeFit:
    """A fit whose posterior is Gaussian around the truths, with so much spread in the slopes."""
    metrics = example_metrics()
    design = make_shape_design(metrics)
    rng = np.random.default_rng(seed)
    shape = (CHAINS, DRAWS)

    def around(value: np.ndarray, width: float) -> np.ndarray:
        value = np.asarray(value)
        return value + width * rng.standard_normal((*shape, *value.shape))

    truth = {k: np.array([TRUTHS[c][k] for c in design.curves]) for k in TRUTHS["falls"]}
    posterior = {name: (("chain", "draw"), around(v, 0.01)) for name, v in POPULATION.items()}
    own = {"level": around(np.zeros(len(design.curves)), 0.03)}
    own |= {"slope": around(truth["slope"], spread)}
    own |= {"scatter": np.exp(around(np.full(len(design.curves), np.log(0.05)), 0.1))}
    posterior |= {name: (("chain", "draw", "curve"), v) for name, v in own.items()}
    for name in ("change", "place"):
        value = around(truth[name][:, None], spread)
        posterior[name] = (("chain", "draw", "curve", "bend"), value)
    coords = {"curve": list(design.curves), "bend": [0]}
    statistics = xr.Dataset(
        {"diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
         "energy": (("chain", "draw"), rng.standard_normal(shape))}
    )  # fmt: skip
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior, coords=coords), "sample_stats": statistics}
    )
    return assemble_shapes(load_shape_card("shapes"), design, metrics, tree, seed=seed)
