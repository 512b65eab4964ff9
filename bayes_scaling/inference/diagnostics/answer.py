"""The answer that checks look at: what people ask a law, at the largest compute of the runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.diagnostics.evidence import Evidence
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.units import format_quantity

__all__ = ["answer_budget", "answer_name", "log_answer"]

Array = NDArray[np.float64]


def answer_budget(fit: Fit) -> float:
    """Compute at which it is asked, in FLOPs."""
    return float(fit.columns["flops"].max())


def answer_name(fit: Fit) -> str:
    """What it is, in words."""
    what = "the optimal number of tokens per parameter" if fit.law.allocates else "the law's loss"
    return f"{what} at {format_quantity(answer_budget(fit))} FLOPs"


def log_answer(evidence: Evidence, natural: Mapping[str, Array]) -> Array:
    """Log of the optimal tokens per parameter, or of the loss of the largest run.

    Parameters
    ----------
    evidence : Evidence
    natural : mapping of str to array
        Draws of the natural parameters, of any one shape.

    Returns
    -------
    Array
        Of that shape.
    """
    fit = evidence.fit
    if fit.law.allocates:
        params, tokens = fit.law.optimum(answer_budget(fit), natural)
        return np.asarray(np.log(tokens / params))
    largest = int(np.argmax(fit.columns["flops"]))
    at = {name: values[largest] for name, values in evidence.design.log_inputs.items()}
    return np.asarray(np.log(fit.law.mean(np, at, natural)))
