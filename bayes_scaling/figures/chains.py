"""What trace and rank plots share: the group to look at, and panels for arviz-plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.errors import InputError
from bayes_scaling.figures.draws import symbol
from bayes_scaling.figures.style import COLOURS, dress, new_grid
from bayes_scaling.inference.posterior import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chains_of", "panels", "worst_group"]

COLUMNS = 4


def worst_group(fit: Fit) -> str:
    """The group with the largest R-hat of any of its parameters."""
    statistics = fit.tree["convergence"].to_dataset().sel(statistic="r_hat")
    names = [p.name for p in fit.law.parameters]
    worst = np.max([statistics[name].to_numpy() for name in names], axis=0)
    return fit.groups[int(np.nanargmax(worst))] if np.isfinite(worst).any() else fit.groups[0]


def chains_of(fit: Fit, group: str | None, most: int | None = None) -> xr.DataTree:
    """The law's parameters, sigma and nu of one group, with what the sampler said of the draws."""
    name = group or worst_group(fit)
    if name not in fit.groups:
        raise InputError(
            f"group {name!r} has no chains of its own; those that have are {', '.join(fit.groups)}"
        )
    names = [*(p.name for p in fit.law.parameters), "sigma", "nu"]
    posterior = fit.posterior[names].sel(group=name, drop=True)
    every = 1 if most is None else max(1, posterior.sizes["draw"] // most)
    posterior = posterior.isel(draw=slice(None, None, every))
    kept = [n for n in ("diverging",) if n in fit.tree["sample_stats"]]
    return xr.DataTree.from_dict(
        {
            "posterior": posterior.reset_coords(drop=True),
            "sample_stats": fit.tree["sample_stats"]
            .to_dataset()[kept]
            .isel(draw=slice(None, None, every)),
        }
    )


def panels(
    tree: xr.DataTree, ax: Sequence[Axes] | NDArray[np.object_] | None
) -> tuple[Any, list[Axes]]:
    """A plot collection of arviz-plots over our own axes, one a parameter."""
    from arviz_plots import PlotCollection

    data = tree["posterior"].to_dataset()
    n = len(data.data_vars)
    if ax is None:
        axes = new_grid(n, COLUMNS, (2.5, 1.9))
    else:
        axes = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(axes) != n:
            raise InputError(f"ax holds {len(axes)} axes; {n} are needed, one a parameter")
    for panel in axes:
        dress(panel)
    places = {str(name): xr.DataArray(panel) for name, panel in zip(data, axes, strict=True)}
    viz = xr.DataTree.from_dict(
        {
            "/": xr.Dataset({"figure": xr.DataArray(np.array(axes[0].figure, dtype=object))}),
            "plot": xr.Dataset(places),
        }
    )
    collection = PlotCollection(
        data,
        viz,
        backend="matplotlib",
        aes={"color": ["chain"], "overlay": ["chain"]},
        color=list(COLOURS[:6]),
    )
    return collection, axes


def title(fit: Fit, name: str) -> str:
    """Symbol of a parameter or of the noise."""
    return {"sigma": r"$\sigma$ (noise)", "nu": r"$\nu$ (tails)"}.get(name) or symbol(fit, name)
