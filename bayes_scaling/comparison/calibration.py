"""Simulation-based calibration: whether intervals are right for truths from a card's priors.

Talts et al. 2018, arXiv:1804.06788: draw parameters from the prior, runs from the parameters, and
the posterior from the runs; the rank of the truth among the draws is then uniform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.sample import Effort
from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Calibration", "calibrate"]

N_RANKS = 200
"""Draws that the truth is ranked among, thinned so that they are nearly independent."""

COLUMNS = 4
"""Panels side by side that arviz-plots makes."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Ranks of true parameters among posterior draws.

    Attributes
    ----------
    pit : xarray.Dataset
        Share of the draws below the truth, dims (simulation, ...), by quantity.
    divergences : int
        Over all simulations.
    """

    pit: xr.Dataset
    divergences: int

    def p_values(self) -> dict[str, float]:
        """Kolmogorov-Smirnov p-value of uniformity of every scalar quantity."""
        from scipy.stats import kstest

        return {
            name: float(kstest(values, "uniform").pvalue) for name, values in self.scalars().items()
        }

    def coverage(self, prob: float = 0.9) -> dict[str, float]:
        """Share of simulations whose equal-tailed interval holds the truth."""
        tail = (1 - prob) / 2
        return {
            name: float(np.mean((values >= tail) & (values <= 1 - tail)))
            for name, values in self.scalars().items()
        }

    def scalars(self) -> dict[str, np.ndarray]:
        """Values of every scalar quantity over simulations, by label."""
        scalars = {}
        for name, values in self.pit.data_vars.items():
            dims = [dim for dim in values.dims if dim != "simulation"]
            for cell in product(*(values[dim].to_numpy() for dim in dims)):
                label = f"{name}[{', '.join(map(str, cell))}]" if cell else str(name)
                at = dict(zip(dims, cell, strict=True))
                scalars[label] = values.sel(at).to_numpy()
        return scalars

    def plot(self) -> Figure:
        """Difference between the ECDF of the ranks and uniformity; points outside it are marked.

        Of the population where there is one, else of every group.
        """
        import arviz as az

        shown = self.pit.drop_vars("theta") if "mu" in self.pit else self.pit
        rows = -(-len(Calibration(pit=shown, divergences=0).scalars()) // COLUMNS)
        collection = az.plot_ecdf_pit(
            xr.DataTree.from_dict({"prior_sbc": shown}),
            sample_dims="simulation",
            envelope_prob=0.99,
            backend="matplotlib",
            figure_kwargs={"figsize": (14, 1.2 + 2.2 * rows), "layout": "constrained"},
        )
        figure: Figure = collection.viz["figure"].item()
        return figure


def calibrate(
    card: str | Path | ModelCard,
    design: Design,
    *,
    simulations: int = 200,
    seed: int = 1,
    effort: Effort | None = None,
    engine: str = "nuts",
    on_progress: Callable[[int], None] | None = None,
) -> Calibration:
    """Rank true parameters among posterior draws, over many tables simulated from the card.

    Parameters
    ----------
    card : str, Path or ModelCard
    design : Design
        Sizes, tokens, groups and reference units of every simulated table.
    simulations : int
    seed : int
    effort : Effort, optional
        By default 4 chains of 500 draws.
    engine : {"nuts", "quick"}
        As `fit` takes it.
    on_progress : callable, optional
        Called with the number of simulations done.
    """
    card = load_card(card)
    fits = ManyFits(card, design, effort or Effort(draws=500, tune=1000), engine=engine)
    ranks, divergences = [], 0
    for i in range(simulations):
        rng = np.random.default_rng([seed, i])
        truth = draw_parameters(card, design, rng)
        table = replace(design, log_loss=simulate_log_loss(card, design, truth, rng))
        tree = fits.sample(table, seed=seed + i)[0].tree
        divergences += int(tree["sample_stats"]["diverging"].sum())
        ranks.append(_ranks(truth, tree["posterior"].to_dataset()))
        if on_progress is not None:
            on_progress(i + 1)
    return Calibration(pit=xr.concat(ranks, dim="simulation"), divergences=divergences)


def _ranks(truth: xr.Dataset, posterior: xr.Dataset) -> xr.Dataset:
    """Share of thinned draws below the truth, jittered over the ties that ranks make."""
    keep = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // N_RANKS)
    draws = posterior.stack(sample=("chain", "draw"), create_index=False)
    thinned = draws.isel(sample=slice(None, None, keep))
    n = thinned.sizes["sample"]
    names = [name for name in truth.data_vars if name in ("theta", "mu", "tau", "nu", "run_sigma")]
    below = (thinned[names] < truth[names].isel(sample=0, drop=True)).sum("sample")
    return (below + 0.5) / (n + 1)
