"""Several laws at once: answers averaged over fits, each with its weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.inference.pointwise import Noise
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AveragedFit", "average_fits", "same_runs"]

Array = NDArray[np.float64]


def same_runs(fits: Mapping[str, Fit]) -> None:
    """Refuse fits that are not of the same runs, counted in the same way.

    Raises
    ------
    InputError
        What differs, and what to do.
    """
    if len(fits) < 2:
        raise InputError(f"two fits or more are needed, not {len(fits)}")
    (first, one), *others = fits.items()
    for name, other in others:
        if one.counting != other.counting:
            raise InputError(
                f"{first!r} and {name!r} count differently ({one.counting} against "
                f"{other.counting}), and what is counted moves the exponents by more than most "
                "laws differ. Convert the runs with Runs.count_params or Runs.count_flops "
                "(--count-params, --count-flops) and fit again"
            )
        if one.tree.attrs["runs_hash"] != other.tree.attrs["runs_hash"] or one.by != other.by:
            raise InputError(
                f"{first!r} and {name!r} are fits of different runs or groups "
                f"({one.n_runs} of {one.name} by {', '.join(one.by) or 'nothing'}; {other.n_runs} "
                f"of {other.name} by {', '.join(other.by) or 'nothing'}); fit all laws to the same"
            )


def average_fits(fits: Mapping[str, Fit], weights: Mapping[str, float]) -> AveragedFit:
    """Average the answers of several fits of the same runs.

    Parameters
    ----------
    fits : mapping of str to Fit
    weights : mapping of str to float
        Of the same names, such as the stacking weights of a `Comparison`; scaled to sum to one.

    Returns
    -------
    AveragedFit
        Takes questions like any `Fit`: ``forecast(averaged, ...)``, ``allocate(averaged, ...)``.

    Raises
    ------
    InputError
        The fits are not comparable, or the weights do not match them.
    """
    same_runs(fits)
    missing = sorted(set(fits) ^ set(weights))
    values = np.array([weights.get(name, np.nan) for name in fits], dtype=float)
    if missing or not np.all(values >= 0) or values.sum() == 0:
        raise InputError(
            f"weights must be non-negative, not all zero, and name each of {', '.join(fits)}, "
            f"not {dict(weights)}"
        )
    shares = dict(zip(fits, (values / values.sum()).tolist(), strict=True))
    return AveragedFit(fits=dict(fits), weights=shares)


@dataclass(frozen=True, eq=False)
class AveragedFit:
    """A mixture of posteriors: each draw of an answer comes from one of the fits.

    Attributes
    ----------
    fits : dict of str to Fit
    weights : dict of str to float
        Share of the draws that comes from each.
    """

    fits: dict[str, Fit]
    weights: dict[str, float]

    @property
    def _first(self) -> Fit:
        return next(iter(self.fits.values()))

    @cached_property
    def _chosen(self) -> dict[str, NDArray[np.int64]]:
        """Which draws of each fit are used: evenly spaced ones, in proportion to the weights."""
        total = max(fit.n_draws for fit in self.fits.values())
        counts = {name: round(total * weight) for name, weight in self.weights.items()}
        return {
            name: np.linspace(0, self.fits[name].n_draws - 1, n).round().astype(np.int64)
            for name, n in counts.items()
            if n > 0
        }

    @property
    def n_draws(self) -> int:
        """Draws of every answer."""
        return sum(len(chosen) for chosen in self._chosen.values())

    # What questions ask of a fit, and all components agree on.

    @property
    def seed(self) -> int:
        """Seed of the first fit."""
        return self._first.seed

    @property
    def by(self) -> tuple[str, ...]:
        """Grouping columns."""
        return self._first.by

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that have runs."""
        return self._first.groups

    @property
    def columns(self) -> dict[str, Array]:
        """Numeric columns of the runs."""
        return self._first.columns

    @property
    def data(self) -> pd.DataFrame:
        """The runs."""
        return self._first.data

    @property
    def counting(self) -> str:
        """What N and C count."""
        return self._first.counting

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the laws together depend on."""
        every = [name for fit in self.fits.values() for name in fit.inputs]
        return tuple(dict.fromkeys(every))

    @property
    def trusted(self) -> bool:
        """Whether every fit that has a weight may be used."""
        return all(self.fits[name].trusted for name in self._chosen)

    @property
    def leans_on_priors(self) -> bool:
        """Whether in any fit that has a weight priors move the plan as well as the runs do."""
        return any(self.fits[name].leans_on_priors for name in self._chosen)

    def select_groups(self, group: str | Sequence[str] | None) -> tuple[str, ...]:
        """Groups that a question is about, which every fit must know."""
        chosen = [fit.select_groups(group) for fit in self.fits.values()]
        return chosen[0]

    @property
    def drifts(self) -> bool:
        """Whether the answer of any fit carries a discrepancy."""
        return any(fit.drifts for fit in self.fits.values())

    def law_only(self) -> AveragedFit:
        """As `Fit.law_only`, for all of them."""
        return replace(self, fits={name: fit.law_only() for name, fit in self.fits.items()})

    def reaching(self, group: str, flops: float) -> AveragedFit:
        """As `Fit.reaching`, for all of them."""
        moved = {name: fit.reaching(group, flops) for name, fit in self.fits.items()}
        return replace(self, fits=moved)

    def _mixed(self, parts: dict[str, Array]) -> Array:
        return np.concatenate([parts[name][chosen] for name, chosen in self._chosen.items()])

    def predict(
        self, group: str, log_inputs: Mapping[str, Array], draws: NDArray[np.int64] | None = None
    ) -> Array:
        """As `Fit.predict`; inputs that have draws, such as plans, have those of the mixture."""
        parts, start = {}, 0
        for name, chosen in self._chosen.items():
            rows = slice(start, start + len(chosen))
            own = {key: v[rows] if np.ndim(v) > 1 else v for key, v in log_inputs.items()}
            parts[name] = self.fits[name].predict(group, own, chosen)
            start += len(chosen)
        mixed = np.concatenate(list(parts.values()))
        return mixed if draws is None else mixed[draws]

    def optimum(self, group: str, flops: Array) -> tuple[Array, Array]:
        """As `Fit.optimum`."""
        plans = {name: self.fits[name].optimum(group, flops) for name in self._chosen}
        params, tokens = (self._mixed({n: p[i] for n, p in plans.items()}) for i in range(2))
        return params, tokens

    def allocation_exponents(self, group: str, flops: Array) -> tuple[Array, Array]:
        """As `Fit.allocation_exponents`."""
        both = {name: self.fits[name].allocation_exponents(group, flops) for name in self._chosen}
        a, b = (self._mixed({n: e[i] for n, e in both.items()}) for i in range(2))
        return a, b

    def run_noise(self, group: str, log_inputs: Mapping[str, Array] | None = None) -> Noise:
        """As `Fit.run_noise`."""
        noise = {name: self.fits[name].run_noise(group, log_inputs) for name in self._chosen}
        mixed = {
            part: self._mixed({name: getattr(each, part) for name, each in noise.items()})
            for part in ("centre", "scale", "nu", "skew")
        }
        return Noise(**mixed)

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {weight:.2f}" for name, weight in self.weights.items())
        return f"AveragedFit of {parts}\n  on {self._first.n_runs} runs ({self._first.name})"
