"""`Fit`: a thin, frozen object around the `xarray.DataTree` that holds everything of a fit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.inference.arrays import NamedArray, arrays_of
from bayes_scaling.inference.card import ModelCard
from bayes_scaling.inference.group_curve import GroupCurve
from bayes_scaling.inference.group_draws import NEW_GROUP, GroupDraws
from bayes_scaling.inference.memory import Seen
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.laws import (
    Law,
    Reference,
    decades_beyond,
    log_inputs,
    log_scale,
)
from bayes_scaling.units import format_count, format_quantity

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm
    import xarray as xr

__all__ = ["DEFAULT_PROB", "NEW_GROUP", "Fit"]

DEFAULT_PROB = 0.9
"""Probability of every interval, unless asked otherwise."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Posterior of a law given runs, with what is needed to use it again.

    Attributes
    ----------
    tree : xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data``,
        ``log_likelihood``, ``log_prior`` and ``prior``; the card, reference scales, seeds, versions
        and diagnostics are in the attributes.
    with_drift : bool
        Whether answers carry the discrepancy that the card states; see `law_only`.
    """

    tree: xr.DataTree
    with_drift: bool = True

    # -- what was fitted ---------------------------------------------------------------------

    @cached_property
    def card(self) -> ModelCard:
        """Model card: law, priors, hierarchy, likelihood."""
        return ModelCard.model_validate_json(self.tree.attrs["card"])

    @property
    def law(self) -> Law:
        """Scaling law of the card."""
        return self.card.get_law()

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the law depends on."""
        return self.law.inputs

    @property
    def counting(self) -> str:
        """What N and C count, as the runs said."""
        return str(self.tree.attrs["counting"])

    @cached_property
    def reference(self) -> Reference:
        """What is typical of the runs: the units that the card's priors are stated in."""
        return Reference(**self._json("reference"))

    @cached_property
    def edge(self) -> Array | None:
        """Log compute where the drift of each group begins; None where the card has none."""
        edge = json.loads(self.tree.attrs.get("edge", "null"))
        return None if edge is None else np.array(edge)

    @property
    def drifts(self) -> bool:
        """Whether answers carry a discrepancy: that the law is an approximation."""
        return self.with_drift and self.card.discrepancy is not None

    def law_only(self) -> Fit:
        """The fit with answers that take the law for the truth, however far from the runs."""
        return replace(self, with_drift=False)

    def reaching(self, group: str, flops: float) -> Fit:
        """The same draws, with the drift of a group beginning where a run of `flops` would put it.

        What a fit with that run among its own would take for its edge. The same fit where the
        drift begins later already, and for a group without runs.
        """
        within = self.card.within
        if self.edge is None or within is None or group not in self.groups:
            return self
        i, edge = self.groups.index(group), np.log(flops) - within * np.log(10.0)
        if edge <= self.edge[i]:
            return self
        tree, moved = self.tree.copy(), self.edge.copy()
        moved[i] = edge
        tree.attrs = {**tree.attrs, "edge": json.dumps(moved.tolist())}
        return replace(self, tree=tree)

    @property
    def posterior(self) -> xr.Dataset:
        """Draws, with dims chain, draw, group; natural parameters in nats, params, tokens."""
        return self.tree["posterior"].to_dataset()

    @property
    def data(self) -> pd.DataFrame:
        """The runs: params, tokens, flops, loss, other inputs of the law, and group."""
        return self.tree["constant_data"].to_dataset().to_dataframe().reset_index(drop=True)

    @property
    def columns(self) -> dict[str, Array]:
        """Numeric columns of the runs, by name."""
        constant = arrays_of(self.tree, "constant_data")
        arrays = {name: each.values for name, each in constant.items()}
        return {name: values for name, values in arrays.items() if values.dtype.kind == "f"}

    @property
    def name(self) -> str:
        """Name of the table of runs."""
        return str(self.tree.attrs["runs_name"])

    @property
    def reading(self) -> str:
        """What was done to the table before it was fitted: renamed, selected, left out."""
        renamed = [f"{old} -> {new}" for old, new in self._json("runs_renamed").items()]
        parts = [f"read {', '.join(renamed)}"] if renamed else []
        parts += [f"only runs where {query}" for query in self._json("runs_selection")]
        excluded = int(self.tree.attrs["runs_excluded"])
        parts += [f"{format_count(excluded, 'row')} left out"] if excluded else []
        return "; ".join(parts)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups that have runs."""
        return tuple(map(str, arrays_of(self.tree, "posterior")["group"].values))

    @cached_property
    def by(self) -> tuple[str, ...]:
        """Grouping columns; empty where all runs are one group."""
        return tuple(self._json("by"))

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Levels of each grouping column."""
        return tuple(map(tuple, self._json("levels")))

    @property
    def pooled(self) -> bool:
        """Whether groups share a population, so that an unseen group can be asked about."""
        return self.card.pooling is not None

    @property
    def n_runs(self) -> int:
        """Number of rows that were fitted."""
        return len(arrays_of(self.tree, "observed_data")["log_loss"].values)

    @property
    def n_draws(self) -> int:
        """Number of posterior draws over all chains."""
        sigma = self._draws["sigma"]
        return math.prod(sigma.values.shape[sigma.dims.index(name)] for name in ("chain", "draw"))

    @property
    def seed(self) -> int:
        """Seed of the sampler, and of every draw that an answer makes."""
        return int(self.tree.attrs["seed"])

    @property
    def seconds(self) -> dict[str, float]:
        """Time it took to import, compile and sample, and in total."""
        return dict(self._json("seconds"))

    @property
    def versions(self) -> dict[str, str]:
        """Versions of Python and of the packages that made the fit."""
        return dict(self._json("versions"))

    @cached_property
    def model(self) -> pm.Model:
        """The PyMC model, rebuilt from the card and the data."""
        from bayes_scaling.inference.model import build_model
        from bayes_scaling.inference.storage import design_of

        return build_model(self.card, design_of(self))

    def _json(self, key: str) -> Any:
        return json.loads(self.tree.attrs[key])

    # -- whether it may be used --------------------------------------------------------------

    @property
    def sampler_figures(self) -> dict[str, Any]:
        """Worst R-hat, effective sample sizes, number of divergences and so on."""
        return dict(self._json("diagnostics"))

    @property
    def diagnostics(self) -> dict[str, Any]:
        """`sampler_figures`, and whether the posterior may be used."""
        return {**self.sampler_figures, "trusted": self.trusted}

    @cached_property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check of the fit, passed or not."""
        return tuple(CheckResult(**item) for item in self._json("checks"))

    def problems(self) -> list[CheckResult]:
        """Checks that did not pass, the worst first, and the warnings that came with the runs."""
        failed = [check for check in self.checks if check.passed is not True]
        return sorted(failed, key=lambda check: not check.fatal)

    @property
    def trusted(self) -> bool:
        """False where the posterior must not be used."""
        return not any(check.fatal and check.passed is False for check in self.checks)

    @property
    def leans_on_priors(self) -> bool:
        """Whether priors move the plan as well as the runs do, as the check of that found."""
        return any(check.values.get("answer_moves", False) for check in self.checks)

    # -- draws -------------------------------------------------------------------------------

    def select_groups(self, group: str | Sequence[str] | None) -> tuple[str, ...]:
        """Groups that a question is about: those named, or all that have runs.

        Raises
        ------
        InputError
            A group is unknown, or it is `NEW_GROUP` and the fit has no population.
        """
        return self._by_group.select(group)

    def split_group(self, name: str) -> tuple[str, ...] | None:
        """Level in each grouping column, or None where there is no such combination."""
        return self._by_group.split(name)

    def parameters(self, group: str) -> dict[str, Array]:
        """Draws of the natural parameters of a group, and of its noise.

        Parameters
        ----------
        group : str
            A group with runs; `NEW_GROUP` for one without, which integrates over the
            population; with two crossed columns also ``"level/level"``, either new.

        Returns
        -------
        dict of str to array of shape (sample,)
            The law's parameters, and those of its drift and of the noise.
        """
        return dict(self._by_group.parameters(group))

    @cached_property
    def _draws(self) -> Mapping[str, NamedArray]:
        """Arrays of the posterior and of its coordinates."""
        return arrays_of(self.tree, "posterior")

    @cached_property
    def _by_group(self) -> GroupDraws:
        return GroupDraws(
            card=self.card,
            law=self.law,
            reference=self.reference,
            draws=self._draws,
            groups=self.groups,
            by=self.by,
            levels=self.levels,
            seed=self.seed,
        )

    def predict(
        self, group: str, log_inputs: Mapping[str, Array], draws: NDArray[np.int64] | None = None
    ) -> Array:
        """Draws of the mean loss of a group's runs at points, shape (sample, point).

        The law, and beyond the runs its drift; where the noise has a memory, what the nearest row
        of the group has left of it.

        Parameters
        ----------
        group : str
            As `parameters` takes it.
        log_inputs : mapping of str to array of shape (point,) or (sample, point)
            Natural logs of inputs. Of size and tokens, what else the law depends on may be left
            out: it is then at its best (see `Law.plan_inputs`).
        draws : int array, optional
            Which draws to use; all by default.

        Raises
        ------
        InputError
            An input of the law is missing.
        """
        return self._curve(group).loss(log_inputs, draws)

    def _curve(self, group: str) -> GroupCurve:
        """What the posterior says of a group."""
        theta, known = self.parameters(group), group in self.groups
        edge = None
        if self.edge is not None and self.drifts:
            # Beyond all edges if it has no runs.
            edge = float(self.edge[self.groups.index(group)] if known else self.edge.max())
        remembers = self.with_drift and self.card.noise.memory is not None and known
        run_sigma = self._draws["run_sigma"].samples() if "run_sigma" in self._draws else None
        return GroupCurve(
            card=self.card,
            law=self.law,
            theta=theta,
            typical=float(log_scale(self.reference.log_inputs)),
            edge=edge,
            seen=self._rows_of(group, edge) if remembers else None,
            run_sigma=run_sigma,
        )

    def _rows_of(self, group: str, edge: float | None) -> Seen:
        """The rows of a group, for points that remember them."""
        mine = self.data["group"].to_numpy() == group
        columns = {name: values[mine] for name, values in self.columns.items()}
        inputs = log_inputs(self.inputs, columns, of="the fit")
        return Seen(
            log_inputs=inputs,
            log_loss=np.log(columns["loss"]),
            group_index=np.zeros(int(mine.sum()), dtype=np.int64),
            beyond=None if edge is None else decades_beyond(log_scale(inputs), edge),
        )

    def optimum(self, group: str, flops: Array) -> tuple[Array, Array]:
        """Draws of the compute-optimal params and tokens of budgets, each (sample, budget).

        Raises
        ------
        InputError
            The law does not say how to split compute.
        """
        return self._curve(group).optimum(flops)

    def allocation_exponents(self, group: str, flops: Array) -> tuple[Array, Array]:
        """Draws of the exponents a and b at budgets, each of a shape like (sample, budget)."""
        return self._curve(group).exponents(flops)

    def exponents(self, theta: Mapping[str, Array]) -> dict[str, Array]:
        """Allocation exponents a and b at the largest compute of the runs, if the law has them."""
        if not self.law.allocates:
            return {}
        flops = float(self.columns["flops"].max())
        return dict(zip("ab", self.law.exponents(theta, flops), strict=True))

    def run_noise(self, group: str, log_inputs: Mapping[str, Array] | None = None) -> Noise:
        """Draws of how log loss of one new run of a group lies around its mean.

        Parameters
        ----------
        group : str
        log_inputs : mapping of str to array of shape (point,), optional
            Where the run is; at a typical run by default.

        Returns
        -------
        Noise
            With arrays of shape (sample, point) around a centre of zero.
        """
        return self._curve(group).noise(log_inputs)

    # -- showing and saving ------------------------------------------------------------------

    def summary(self, *, prob: float = DEFAULT_PROB) -> pd.DataFrame:
        """Posterior of the parameters and allocation exponents of every group.

        Returns
        -------
        DataFrame
            Indexed by group and parameter; columns mean, sd, median, lower, upper, prob (of the
            equal-tailed credible interval), ess_bulk, ess_tail, r_hat.
        """
        from bayes_scaling.inference.summary import summarise_fit

        return summarise_fit(self, prob)

    def save(self, path: str | Path) -> Path:
        """Write the fit to one NetCDF file; a file that is there is replaced only when done."""
        from bayes_scaling.inference.storage import save_fit

        return save_fit(self, path)

    def __repr__(self) -> str:
        verdict = "trusted" if self.trusted else "NOT to be trusted"
        groups = ", ".join(self.groups[:6]) + (", ..." if len(self.groups) > 6 else "")
        points = format_count(len(self.problems()), "point")
        return (
            f"Fit of {self.card.name!r} to {self.n_runs} runs ({self.name})\n"
            f"  groups       {groups}\n"
            f"  posterior    {verdict}; {points} to read in problems()\n"
            f"  loss at most {format_quantity(self.data['flops'].max())} FLOPs seen"
        )
