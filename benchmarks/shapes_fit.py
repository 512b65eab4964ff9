"""One fit of shapes for the benchmarks, as long as it takes without a second attempt."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_scaling.inference.sample import Effort, sample
from bayes_scaling.runs.metrics import MetricCurves
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.design import ShapeDesign
from bayes_scaling.shapes.fitting import assemble_shapes
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.posterior import ShapeFit

__all__ = ["compiled_for", "fit_once"]

EFFORT = Effort(draws=1000, tune=1000, cores=1, target_accept=0.9)


def fit_once(
    card: ShapeCard, design: ShapeDesign, metrics: MetricCurves | None, seed: int, **sampled: Any
) -> ShapeFit:
    """One attempt, on one core: as long as a fit needs, without the second that it may make."""
    model = build_shape_model(card, design)
    sampling = sample(model, sampled.pop("effort", EFFORT), seed=seed, **sampled)
    if metrics is None:
        metrics = MetricCurves(table=pd.DataFrame({"curve": design.curves}), name="", source="")
    return assemble_shapes(
        card, design, metrics, sampling.tree, seed=seed, seconds=sampling.seconds
    )


def compiled_for(card: ShapeCard, design: ShapeDesign) -> Any:
    """Compiled once for many tables of the same sizes."""
    import nutpie

    return nutpie.compile_pymc_model(build_shape_model(card, design))
