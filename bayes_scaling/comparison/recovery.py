"""Recovery: how often intervals hold truths that are wilder than the priors say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.comparison.many_fits import ManyFits
from bayes_scaling.inference.card import ModelCard, load_card
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.diagnostics.convergence import convergence, sampler_figures
from bayes_scaling.inference.invented import COMPUTE, invented_design
from bayes_scaling.inference.model import parameter_names
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.sample import Effort, Sampling
from bayes_scaling.inference.simulate import draw_parameters, simulate_log_loss
from bayes_scaling.laws import LOW_LOSS, Reference

__all__ = ["Recovery", "recover"]

FORECAST = "loss at 100x"
LARGEST = COMPUTE[1]
UNIT_TOLERANCE = 1.25
NOISE_MAX = 0.1
TOKENS_PER_PARAM = 20.0


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Truths and intervals over many simulated tables.

    Attributes
    ----------
    intervals : DataFrame
        One row a table, group and quantity: truth, lower, upper, inside, n_runs.
    fits : DataFrame
        One row a table: attempts, seconds of sampling, and the sampler's worst figures.
    """

    intervals: pd.DataFrame
    fits: pd.DataFrame

    def coverage(self) -> pd.DataFrame:
        """Share of intervals that hold the truth, its standard error over tables, mean width."""
        by_table = self.intervals.groupby(["quantity", "table"])["inside"].mean()
        grouped = by_table.groupby("quantity")
        return pd.DataFrame(
            {
                "coverage": self.intervals.groupby("quantity")["inside"].mean(),
                # Groups of one table share a population: tables are what is independent.
                "standard_error": grouped.std(ddof=1) / np.sqrt(grouped.size()),
            }
        )


def recover(
    card: str | ModelCard,
    *,
    sizes: tuple[int, ...] = (3, 5, 8, 12, 16, 22, 30, 40),
    tables: int | Sequence[int] = 50,
    widen: float = 1.25,
    around: Mapping[str, float] | None = None,
    spoiled: float = 0.0,
    spoiled_by: float = 0.05,
    prob: float = 0.9,
    seed: int = 1,
    effort: Effort | None = None,
    on_table: Callable[[Recovery], None] | None = None,
) -> Recovery:
    """Coverage of intervals over simulated tables, one group for each of `sizes`.

    Parameters
    ----------
    card : str or ModelCard
    sizes : tuple of int
        Runs of each group.
    tables : int or sequence of int
        Number of simulated tables; or which of them, such as those that an earlier call did not
        come to: every table depends on its own number and the seed.
    widen : float
        Truths are drawn from the card's priors with standard deviations this much larger.
    around : mapping of str to float, optional
        Values of sampled parameters that take the place of their prior medians.
    spoiled, spoiled_by : float
        Share of runs whose loss is raised, and by how much (0.05 is 5 %).
    prob : float
        Probability of the intervals.
    seed : int
    effort : Effort, optional
        By default 4 chains of 500 draws.
    on_table : callable, optional
        Called with the recovery of each table as soon as it is there.
    """
    card = load_card(card)
    card = card if len(sizes) > 1 else card.grouped_by(())
    found: list[Recovery] = []
    fits = None
    for i in range(tables) if isinstance(tables, int) else tables:
        rng = np.random.default_rng([seed, i])
        design = invented_design(card, sizes, rng)
        truth, log_loss = _simulate(card, design, rng, widen, around)
        log_loss += np.log1p(spoiled_by) * (rng.uniform(size=len(log_loss)) < spoiled)
        table = _as_read(design, log_loss)
        fits = fits or ManyFits(card, table, effort or Effort(draws=500, tune=1000))
        sampling, attempts = fits.sample(table, seed=seed + i)
        figures = {"attempts": attempts, **_figures(sampling)}
        posterior = sampling.tree["posterior"].to_dataset()
        draws = posterior.stack(sample=("chain", "draw"), create_index=False)
        rows = _intervals(card, truth, draws, design, table, prob).assign(table=i)
        found.append(Recovery(intervals=rows, fits=pd.DataFrame([figures])))
        if on_table is not None:
            on_table(found[-1])
    return Recovery(
        intervals=pd.concat([each.intervals for each in found], ignore_index=True),
        fits=pd.concat([each.fits for each in found], ignore_index=True),
    )


def _figures(sampling: Sampling) -> dict[str, float]:
    statistics = convergence(sampling.tree["posterior"].to_dataset())
    figures = sampler_figures(statistics, sampling.tree["sample_stats"].to_dataset())
    return figures | {"seconds": sampling.seconds["sample"]}


def _as_read(design: Design, log_loss: np.ndarray) -> Design:
    """The table in the reference units that it would have if it were read from a file."""
    reference = Reference.of(design.log_inputs, np.exp(log_loss))
    return replace(design, log_loss=log_loss, reference=reference)


def _simulate(
    card: ModelCard,
    design: Design,
    rng: np.random.Generator,
    widen: float,
    around: Mapping[str, float] | None,
) -> tuple[xr.Dataset, np.ndarray]:
    """Draw truths and log losses until the table could be one of real runs.

    Its low loss, the unit of the card's priors, must be near the unit that the truths were drawn
    in, and no group may scatter by more than a tenth.
    """
    while True:
        truth = draw_parameters(card, design, rng, widen=widen, around=around)
        log_loss = simulate_log_loss(card, design, truth, rng)
        low = np.quantile(log_loss, LOW_LOSS)
        noise = np.exp(truth["theta"].sel(parameter="sigma").to_numpy().max())
        if abs(low) < np.log(UNIT_TOLERANCE) and noise < NOISE_MAX:
            return truth, log_loss


def _intervals(
    card: ModelCard,
    truth: xr.Dataset,
    draws: xr.Dataset,
    simulated: Design,
    fitted: Design,
    prob: float,
) -> pd.DataFrame:
    """Truth and interval of every natural parameter and of a forecast, for every group."""
    true = _quantities(card, truth, simulated)
    drawn = _quantities(card, draws, fitted)
    tail = (1 - prob) / 2
    counts = np.bincount(fitted.group_index)
    parts = []
    for name, values in drawn.items():
        lower, upper = np.quantile(values, [tail, 1 - tail], axis=0)
        parts.append(
            pd.DataFrame(
                {
                    "quantity": name,
                    "group": fitted.groups,
                    "n_runs": counts,
                    "truth": true[name][0],
                    "lower": lower,
                    "upper": upper,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return table.assign(inside=table["truth"].between(table["lower"], table["upper"]))


def _quantities(card: ModelCard, draws: xr.Dataset, design: Design) -> dict[str, np.ndarray]:
    """Natural parameters and the loss at 100 times the compute, or x, (sample, group)."""
    law = card.get_law()
    theta = draws["theta"].transpose("sample", "group", "parameter")
    relative = parameter_values(card, theta.sel(parameter=parameter_names(card)).to_numpy())
    natural = law.natural(np, relative, design.reference)
    if "params" in law.inputs[:-1]:
        side = np.log(np.sqrt(100 * LARGEST / 6 / TOKENS_PER_PARAM))
        at = law.plan_inputs(side, side + np.log(TOKENS_PER_PARAM), natural)
    else:
        at = {name: values.max() + np.log(100) for name, values in design.log_inputs.items()}
    loss = np.asarray(law.mean(np, at, natural))
    return {**natural, "sigma": relative["sigma"], FORECAST: loss}
