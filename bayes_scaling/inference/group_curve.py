"""What the posterior says of one group: its loss, its best split of compute, and its noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.card import SLOPE, ModelCard
from bayes_scaling.inference.memory import Seen, news_share
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.laws import Law, decades_beyond, drifted, log_mean, log_scale

__all__ = ["GroupCurve"]

_STEP = (1.0, 1.01)
"""Factors on compute between which a local exponent is measured; none below, where the edge is."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GroupCurve:
    """The law of a group with its drift beyond the runs and its noise, under every draw.

    Attributes
    ----------
    card : ModelCard
    law : Law
    theta : mapping of str to array of shape (sample,)
        Natural parameters of the group, and those of its drift and noise.
    typical : float
        Log of the scale of a typical run (see `bayes_scaling.laws.log_scale`).
    edge : float, optional
        Log of the scale where the drift begins; without it the law is taken for the truth.
    seen : Seen, optional
        The group's rows, where answers start from where its curve was last seen.
    run_sigma : array of shape (sample,), optional
        Scatter between training runs, besides that of rows.
    """

    card: ModelCard
    law: Law
    theta: Mapping[str, Array]
    typical: float
    edge: float | None = None
    seen: Seen | None = None
    run_sigma: Array | None = None

    def loss(
        self, log_inputs: Mapping[str, Array], draws: NDArray[np.int64] | None = None
    ) -> Array:
        """Draws of the mean loss at points, shape (sample, point); see `Fit.predict`."""
        chosen = slice(None) if draws is None else draws
        theta = {name: value[chosen, None] for name, value in self.theta.items()}
        at = {name: log_inputs[name] for name in self.law.inputs if name in log_inputs}
        if len(at) < len(self.law.inputs):
            at = self._planned(log_inputs, theta) | at
        log_x = log_scale(at)
        log_loss = log_mean(np, self.law, at, theta, self._beyond(log_x))
        if self.seen is not None:
            log_loss = log_loss + self.seen.left(self.law, log_x, theta)
        loss = np.exp(log_loss)
        return np.broadcast_to(loss, np.broadcast_shapes(loss.shape, *map(np.shape, at.values())))

    def optimum(self, flops: Array) -> tuple[Array, Array]:
        """Draws of the compute-optimal params and tokens of budgets, each (sample, budget)."""
        beyond, theta = self._beyond(np.log(flops)), self._column()
        return self.law.optimum(
            flops, theta if beyond is None else drifted(np, self.law, theta, beyond)
        )

    def exponents(self, flops: Array) -> tuple[Array, Array]:
        """Draws of the exponents a and b at budgets, each of shape (sample, budget)."""
        a, b = self.law.exponents(self._column(), flops)
        beyond = self._beyond(np.log(flops))
        if beyond is not None and self.law.drifting:
            # With the drift, N_opt is no single power of compute: its slope over a small step.
            low, high = (self.optimum(flops * factor)[0] for factor in _STEP)
            slope = np.log(high / low) / np.log(_STEP[1] / _STEP[0])
            a = np.where(beyond > 0, slope, a)
            b = 1 - a
        shape = (len(self.theta["sigma"]), len(flops))
        return np.broadcast_to(a, shape), np.broadcast_to(b, shape)

    def noise(self, log_inputs: Mapping[str, Array] | None = None) -> Noise:
        """Draws of how log loss of one new run lies around its mean; see `Fit.run_noise`."""
        values = self._column()
        known = {name: v for name, v in (log_inputs or {}).items() if name in self.law.inputs}
        log_x = log_scale(known or log_inputs) if log_inputs else np.array([self.typical])
        sigma = values["sigma"] * np.ones_like(log_x)
        if self.card.noise.slope is not None:
            sigma = sigma * np.exp(values[SLOPE] * (log_x - self.typical) / np.log(10.0))
        if self.seen is not None and log_inputs:
            gap = self.seen.nearest(log_x, np.zeros(np.shape(log_x), dtype=np.int64)).gap
            sigma = sigma * news_share(np, gap, values["noise_memory"])
        variance = sigma**2
        if self.run_sigma is not None:
            variance = variance + self.run_sigma[:, None] ** 2
        skew = values.get("noise_skew", np.ones_like(values["nu"]))
        return Noise(
            centre=np.zeros_like(variance), scale=np.sqrt(variance), nu=values["nu"], skew=skew
        )

    def _column(self) -> dict[str, Array]:
        """The parameters, each (sample, 1)."""
        return {name: value[:, None] for name, value in self.theta.items()}

    def _beyond(self, log_x: ArrayLike) -> Array | None:
        return None if self.edge is None else decades_beyond(log_x, self.edge)

    def _planned(
        self, log_inputs: Mapping[str, Array], theta: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The law's inputs at their best, where only size and tokens are known."""
        inputs = self.law.inputs
        needed = ("params", "tokens") if "params" in inputs[:-1] else inputs
        missing = [name for name in needed if name not in log_inputs]
        if missing:
            raise InputError(
                f"the law {self.card.law!r} needs {' and '.join(needed)}; of the points only "
                f"{', '.join(log_inputs) or 'nothing'} is known, so give {' and '.join(missing)}"
            )
        return self.law.plan_inputs(log_inputs["params"], log_inputs["tokens"], theta)
