"""Fits of shapes to simulated scores."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_scaling.inference.attempts import sample_with_care
from bayes_scaling.inference.sample import Effort
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.design import ShapeDesign
from bayes_scaling.shapes.fitting import assemble_shapes
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.posterior import ShapeFit

__all__ = ["compiled_for", "fit_with_care"]

EFFORT = Effort(draws=1000, tune=1000, cores=1, target_accept=0.9)


def fit_with_care(
    card: ShapeCard,
    design: ShapeDesign,
    seed: int,
    *,
    effort: Effort = EFFORT,
    compiled: Any = None,
) -> tuple[ShapeFit, int]:
    """As `fit_shapes` makes it of simulated scores, and the number of attempts."""
    model = build_shape_model(card, design)
    sampling, attempts = sample_with_care(model, effort, seed=seed, compiled=compiled)
    stub = MetricCurves(table=pd.DataFrame({"curve": design.curves}), name="", source="")
    seconds = sampling.seconds
    fit = assemble_shapes(card, design, stub, sampling.tree, seed=seed, seconds=seconds)
    return fit, attempts


def compiled_for(card: ShapeCard, design: ShapeDesign) -> Any:
    """Compiled once for many tables of the same sizes."""
    import nutpie

    return nutpie.compile_pymc_model(build_shape_model(card, design))
