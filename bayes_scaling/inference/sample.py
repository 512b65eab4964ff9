"""Samplers behind one call; nutpie with low-rank adaptation unless another is asked for."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.inference.interrupts import deferred_interrupt
from bayes_scaling.inference.progress import progress_bar, working

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["DEFAULT_SEED", "SAMPLERS", "Effort", "Sampling", "sample"]

DEFAULT_SEED = 1
MAX_CORES = 8
ADAPTATIONS = ("auto", "low_rank", "diag")

LOW_RANK_MOST = 150
"""Sampling 16 groups (109 parameters) took 20 s with low rank and 37 s without, with the same
effective sample size; 64 groups (397 parameters) took 543 s and 125 s."""

Sampler = Literal["nutpie", "pymc", "numpyro"]


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard to sample.

    Parameters
    ----------
    draws, tune, chains : int
        Kept and tuning draws of a chain, and the number of chains.
    target_accept : float
        Acceptance that the step size is tuned to; higher is slower and more careful.
    adaptation : {"auto", "low_rank", "diag"}
        Mass matrix; nutpie only. Low rank follows the few strong correlations of these models, but
        its updates cost more than they save once there are many parameters: "auto" is low rank
        up to `LOW_RANK_MOST` of them.
    cores : int, optional
        Most chains to run at once; by default as many as the machine has cores. It does not
        change the draws.
    thin : int
        Length of the chains over the draws that are kept of them.
    """

    draws: int = 1000
    tune: int = 1500
    chains: int = 4
    target_accept: float = 0.95
    adaptation: str = "auto"
    cores: int | None = None
    thin: int = 1

    @property
    def length(self) -> int:
        """Of a chain, after tuning."""
        return self.draws * self.thin

    def __post_init__(self) -> None:
        if self.adaptation not in ADAPTATIONS:
            raise InputError(unknown_name("adaptation", self.adaptation, ADAPTATIONS))
        # Fewer draws are too few for the Pareto smoothing of leave-one-out checks.
        for name, least in (("draws", 20), ("tune", 1), ("chains", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"{name} must be a whole number, {least} or more, not {value!r}")
        if not 0 < self.target_accept < 1:
            raise InputError(f"target_accept must lie between 0 and 1, not {self.target_accept}")


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Raw draws, how long they took, and the compiled model for the next table.

    `points` are the draws where the sampler makes them, on the whole real line, (chain, draw,
    coordinate), if they were asked for; nutpie only.
    """

    tree: xr.DataTree
    seconds: dict[str, float]
    compiled: Any = field(default=None, repr=False)
    points: NDArray[np.float64] | None = field(default=None, repr=False)


def sample(
    model: pm.Model,
    effort: Effort,
    *,
    seed: int,
    sampler: str = "nutpie",
    progress: bool = False,
    compiled: Any = None,
    starts: NDArray[np.float64] | None = None,
    points: bool = False,
) -> Sampling:
    """Draw from the posterior of `model`.

    Parameters
    ----------
    model : pymc.Model
    effort : Effort
    seed : int
        The same seed gives the same draws, bit for bit, on one machine; but a model that is
        compiled for the first time there may round differently from one out of the cache.
    sampler : {"nutpie", "pymc", "numpyro"}
        "numpyro" needs the extra of that name, and runs on a GPU where JAX finds one.
    progress : bool
        Show a progress bar, in a terminal (on standard error) or in a notebook.
    compiled : optional
        What an earlier `Sampling` of the same model compiled (nutpie only).
    starts : array of shape (start, coordinate), optional
        Points of an earlier `Sampling`; each chain starts at one of them (nutpie only).
    points : bool
        Keep the points, for a later `Sampling` to start at (nutpie only).

    Raises
    ------
    InputError
        The sampler is unknown, or what it needs is not installed.
    """
    if sampler not in SAMPLERS:
        raise InputError(unknown_name("sampler", sampler, SAMPLERS))
    return SAMPLERS[sampler](model, effort, seed, progress, compiled, starts, points)


def _nutpie(
    model: pm.Model,
    effort: Effort,
    seed: int,
    progress: bool,
    compiled: Any,
    starts: NDArray[np.float64] | None,
    points: bool,
) -> Sampling:
    import nutpie

    start = time.perf_counter()
    if compiled is None:
        with (
            working("compiling the model", show=progress) as say,
            deferred_interrupt(partial(say, "interrupted; waiting for the compiler to end")),
        ):
            compiled = nutpie.compile_pymc_model(model)
    compiled_at = time.perf_counter()
    total = effort.chains * (effort.length + effort.tune)
    with progress_bar(total, show=progress) as callback:
        background = nutpie.sample(
            compiled if starts is None else _started(compiled, starts),
            draws=effort.length,
            tune=effort.tune,
            chains=effort.chains,
            cores=_cores(effort),
            seed=seed,
            target_accept=effort.target_accept,
            adaptation=_adaptation(effort, compiled.n_dim),
            save_warmup=False,
            store_unconstrained=points,
            progress_bar=False,
            progress_callback=callback,
            blocking=False,
        )
        try:
            tree = background.wait()
        except BaseException:
            # Waiting ourselves: nutpie would hand over the draws made before an interruption.
            background.cancel()
            raise
    seconds = {"compile": compiled_at - start, "sample": time.perf_counter() - compiled_at}
    made = Sampling(tree=_thinned(tree, effort.thin), seconds=seconds, compiled=compiled)
    return _with_points(made) if points else made


def _with_points(sampling: Sampling) -> Sampling:
    statistics = sampling.tree["sample_stats"].to_dataset()
    points = statistics["unconstrained_draw"].transpose("chain", "draw", ...).to_numpy()
    sampling.tree["sample_stats"] = statistics.drop_vars("unconstrained_draw")
    return replace(sampling, points=points)


def _thinned(tree: xr.DataTree, thin: int) -> xr.DataTree:
    """One of so many draws; those that diverged all count, with the draw that is kept."""
    if thin == 1:
        return tree
    parts = {name: tree[name].to_dataset() for name in ("posterior", "sample_stats")}
    kept = {name: part.isel(draw=slice(None, None, thin)) for name, part in parts.items()}
    diverging = parts["sample_stats"]["diverging"].transpose("chain", "draw").to_numpy()
    blocks = diverging.reshape(len(diverging), -1, thin).any(axis=-1)
    kept["sample_stats"] = kept["sample_stats"].assign(diverging=(("chain", "draw"), blocks))
    order = {"draw": np.arange(blocks.shape[1])}
    return xr.DataTree.from_dict({name: part.assign_coords(order) for name, part in kept.items()})


def _started(compiled: Any, starts: NDArray[np.float64]) -> Any:
    """A compiled model whose chains start at points drawn from `starts`, each by its own seed."""

    def start(seed: Any = None) -> NDArray[np.float64]:
        pick = int(np.random.default_rng(seed).integers(len(starts)))
        return np.array(starts[pick])

    return replace(compiled, initial_point_func=start)


def _adaptation(effort: Effort, n_parameters: int) -> str:
    if effort.adaptation != "auto":
        return effort.adaptation
    return "low_rank" if n_parameters <= LOW_RANK_MOST else "diag"


def _through_pymc(name: str) -> Callable[..., Sampling]:
    def run(model: pm.Model, effort: Effort, seed: int, progress: bool, *_: Any) -> Sampling:
        import pymc as pm

        start = time.perf_counter()
        try:
            with model, warnings.catch_warnings():
                # Convergence is judged by `diagnostics`, not by log lines.
                warnings.simplefilter("ignore", UserWarning)
                tree = pm.sample(
                    effort.length,
                    tune=effort.tune,
                    chains=effort.chains,
                    cores=_cores(effort),
                    random_seed=seed,
                    nuts_sampler=name,
                    nuts={"target_accept": effort.target_accept},
                    progressbar=progress,
                    quiet=not progress,
                    compute_convergence_checks=False,
                )
        except ImportError as error:
            raise InputError(
                f"sampler={name!r} needs packages that are not installed ({error}); install "
                f"bayes-scaling[{name}], or use sampler='nutpie'"
            ) from error
        if tree["posterior"].sizes["draw"] < effort.length:
            raise KeyboardInterrupt("sampling was interrupted")  # PyMC hands over what it has
        tree = _thinned(tree, effort.thin)
        # These samplers compile and sample in one call, so the parts cannot be told apart.
        return Sampling(tree=tree, seconds={"compile": 0.0, "sample": time.perf_counter() - start})

    return run


def _cores(effort: Effort) -> int:
    return min(effort.chains, effort.cores or os.cpu_count() or 1, MAX_CORES)


SAMPLERS: dict[str, Callable[..., Sampling]] = {
    "nutpie": _nutpie,
    "pymc": _through_pymc("pymc"),
    "numpyro": _through_pymc("numpyro"),
}
