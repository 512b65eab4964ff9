"""The tree of a fit: draws in natural units, the runs, the card and all that made them."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.design import Design
from bayes_scaling.inference.pointwise import (
    draws_of,
    in_parts,
    log_likelihood,
    log_prior,
    parameter_values,
)
from bayes_scaling.inference.simulate import prior_theta
from bayes_scaling.inference.storage import FIT_FORMAT
from bayes_scaling.runs import Runs

__all__ = ["assemble"]

PRIOR_DRAWS = 4000
LOG_LIKELIHOOD_CELLS = 20_000_000
"""Beyond this many draws x runs the log likelihood keeps every k-th draw, to bound memory."""

_PACKAGES = ("bayes-scaling", "pymc", "nutpie", "arviz", "pytensor", "numpy", "xarray")
_KEPT_STATISTICS = (
    "diverging", "energy", "n_steps", "depth", "tree_depth", "maxdepth_reached",
    "reached_max_treedepth", "step_size", "mean_tree_accept", "acceptance_rate", "lp", "logp",
    "pareto_k", "ess",
)  # fmt: skip


def assemble(
    card: ModelCard, design: Design, runs: Runs, sampled: xr.DataTree, *, seed: int, sampler: str
) -> xr.DataTree:
    """Build the tree of a `Fit` from what a sampler returned."""
    flops = float(runs.flops.max())
    posterior = _in_natural_units(card, design, sampled["posterior"].to_dataset(), flops)
    statistics = sampled["sample_stats"].to_dataset()
    kept = [name for name in _KEPT_STATISTICS if name in statistics]
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": statistics[kept],
            "observed_data": xr.Dataset({"log_loss": ("run", np.log(runs.loss))}),
            "constant_data": _runs_table(runs, design),
            "prior": _prior(card, design, seed, flops),
            **_log_densities(card, design, posterior),
        }
    )
    tree.attrs = _attributes(card, design, runs, seed, sampler)
    return tree


def _in_natural_units(
    card: ModelCard, design: Design, posterior: xr.Dataset, flops: float
) -> xr.Dataset:
    dims = ("chain", "draw", "group")
    theta = posterior["theta"].transpose(*dims, "parameter").to_numpy()
    values = _natural_values(card, design, theta, flops)
    draws = posterior.assign({name: (dims, value) for name, value in values.items()})
    draws.attrs = {}
    return draws.drop_attrs()


def _natural_values(
    card: ModelCard, design: Design, theta: np.ndarray, flops: float
) -> dict[str, np.ndarray]:
    """All that is reported of a group, from theta of shape (..., parameter)."""
    law, relative = card.get_law(), parameter_values(card, theta)
    natural = law.natural(np, relative, design.reference)
    exponents = law.exponents(natural, flops) if law.allocates else ()
    named = dict(zip("ab", exponents, strict=False))
    return {**natural, **named, **{name: relative[name] for name in card.own_names}}


def _runs_table(runs: Runs, design: Design) -> xr.Dataset:
    columns: dict[str, Any] = {
        name: ("run", runs.table[name].to_numpy(dtype=float))
        for name in ("params", "tokens", "flops", "loss", "loss_se")
        if name in runs.table
    }
    for name, values in design.log_inputs.items():
        columns.setdefault(name, ("run", np.exp(values)))
    labels = np.array(design.groups, dtype=object)[design.group_index]
    columns["group"] = ("run", labels.astype(str))
    if design.training_run_index is not None:
        columns["training_run"] = (
            "run",
            runs.table["run"].astype("string").fillna("").to_numpy(str),
        )
    if design.budget_index is not None:
        columns["budget"] = ("run", np.array(design.budgets)[design.budget_index])
    # The number of the row as a reader of the file sees it.
    columns["row"] = ("run", runs.origin.numbers, {"word": runs.origin.word})
    return xr.Dataset(columns)


def _log_densities(card: ModelCard, design: Design, posterior: xr.Dataset) -> dict[str, xr.Dataset]:
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    keep_every = int(np.ceil(n_draws * len(design.log_loss) / LOG_LIKELIHOOD_CELLS))
    thinned = posterior.isel(draw=slice(None, None, keep_every))
    shape = (thinned.sizes["chain"], thinned.sizes["draw"])
    stacked = thinned.stack(sample=("chain", "draw"), create_index=False)
    likelihood = in_parts(log_likelihood, card, design, draws_of(stacked))
    every = posterior.stack(sample=("chain", "draw"), create_index=False)
    full = (posterior.sizes["chain"], posterior.sizes["draw"])
    prior = {
        name: (("chain", "draw"), value.reshape(full))
        for name, value in log_prior(card, every).items()
    }
    return {
        "log_likelihood": xr.Dataset(
            {"log_loss": (("chain", "draw", "run"), likelihood.reshape(*shape, -1))},
            coords={"chain": thinned["chain"], "draw": thinned["draw"]},
        ),
        "log_prior": xr.Dataset(
            prior, coords={"chain": posterior["chain"], "draw": posterior["draw"]}
        ),
    }


def _prior(card: ModelCard, design: Design, seed: int, flops: float) -> xr.Dataset:
    """Parameters of one group a priori, in natural units, dims (chain, draw)."""
    rng = np.random.default_rng([seed, 0])
    theta = prior_theta(card, PRIOR_DRAWS, rng, factors=len(design.by))
    values = _natural_values(card, design, theta, flops)
    return xr.Dataset({name: (("chain", "draw"), value[None]) for name, value in values.items()})


def _attributes(
    card: ModelCard, design: Design, runs: Runs, seed: int, sampler: str
) -> dict[str, Any]:
    return {
        "format": FIT_FORMAT,
        "creator": "bayes-scaling",
        "card": card.model_dump_json(),
        "law": card.law,
        "reference": json.dumps(asdict(design.reference)),
        "edge": json.dumps(None if design.edge is None else design.edge.tolist()),
        "by": json.dumps(design.by),
        "levels": json.dumps(design.levels),
        "seed": seed,
        "sampler": sampler,
        "runs_name": runs.name,
        "runs_source": runs.source,
        "runs_hash": runs.hash,
        "counting": str(runs.counting),
        "runs_renamed": json.dumps(runs.renamed),
        "runs_selection": json.dumps(runs.selection),
        "runs_excluded": len(runs.excluded),
        "versions": json.dumps(
            {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
        ),
    }
