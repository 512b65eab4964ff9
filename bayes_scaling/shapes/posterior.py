"""`ShapeFit`: a thin, frozen object around the `xarray.DataTree` of a fit of metric curves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_scaling.errors import FitFileError, InputError, unknown_name
from bayes_scaling.inference.storage import SHAPES_CREATOR, replacing
from bayes_scaling.inference.verdict import CheckResult
from bayes_scaling.shapes.card import ShapeCard
from bayes_scaling.shapes.model import FACTOR
from bayes_scaling.shapes.scale import MetricScale
from bayes_scaling.shapes.trend import Trend
from bayes_scaling.units import format_count

if TYPE_CHECKING:
    from bayes_scaling.shapes.probabilities import ShapeProbabilities

__all__ = ["SHAPES_FORMAT", "ShapeFit", "load_shapes"]

SHAPES_FORMAT = 3

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class ShapeFit:
    """Posterior of the trends of tasks, with what is needed to use it again.

    Attributes
    ----------
    tree : xarray.DataTree
        Groups ``posterior``, ``sample_stats`` and ``constant_data`` (the scores, one row each);
        the card, scales, seed, versions, diagnostics and checks are in the attributes.
    """

    tree: xr.DataTree

    @cached_property
    def card(self) -> ShapeCard:
        """Priors and likelihood."""
        return ShapeCard.model_validate_json(self.tree.attrs["card"])

    @property
    def posterior(self) -> xr.Dataset:
        """Draws, with dims chain, draw, curve, bend."""
        return self.tree["posterior"].to_dataset()

    @property
    def data(self) -> pd.DataFrame:
        """The scores: curve, task, family, x (params, tokens or flops), value."""
        return self.tree["constant_data"].to_dataset().to_dataframe().reset_index(drop=True)

    @property
    def name(self) -> str:
        """Name of the table."""
        return str(self.tree.attrs["name"])

    @property
    def along(self) -> str:
        """What scale is: "params", "tokens" or "flops"."""
        return str(self.tree.attrs["along"])

    @property
    def by(self) -> str | None:
        """Column whose groups have a mean slope of their own."""
        return json.loads(self.tree.attrs["by"])  # type: ignore[no-any-return]

    @property
    def seed(self) -> int:
        """Of the sampler and of every draw that an answer makes."""
        return int(self.tree.attrs["seed"])

    @cached_property
    def curves(self) -> tuple[str, ...]:
        """Labels of the curves."""
        return tuple(map(str, self.posterior["curve"].to_numpy()))

    @cached_property
    def scales(self) -> dict[str, MetricScale]:
        """How the scores of each curve are transformed."""
        stored = json.loads(self.tree.attrs["scales"])
        return {curve: MetricScale(**stored[curve]) for curve in self.curves}

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Worst R-hat, effective sample sizes, divergences, seconds, and whether to trust it."""
        return {**json.loads(self.tree.attrs["diagnostics"]), "trusted": self.trusted}

    @cached_property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check of the fit, passed or not, and the warnings that came with the table."""
        return tuple(CheckResult(**item) for item in json.loads(self.tree.attrs["checks"]))

    def problems(self) -> list[CheckResult]:
        """Checks that did not pass, the worst first."""
        failed = [check for check in self.checks if check.passed is not True]
        return sorted(failed, key=lambda check: not check.fatal)

    @property
    def trusted(self) -> bool:
        """False where the posterior must not be used."""
        return not any(check.fatal and check.passed is False for check in self.checks)

    # -- draws -------------------------------------------------------------------------------

    @cached_property
    def _stacked(self) -> xr.Dataset:
        stacked = self.posterior.stack(sample=("chain", "draw"), create_index=False)
        return stacked.transpose("sample", ...)

    def draws(self, name: str, curve: str | None = None) -> Array:
        """Draws of a parameter, (sample, ...): of the population, or of a curve."""
        values = self._stacked[name]
        return np.asarray((values if curve is None else values.sel(curve=curve)).to_numpy())

    def seen(self, curve: str) -> tuple[float, Array]:
        """Middle of the sizes seen (decimal logarithm), and the sizes in decades from it.

        Raises
        ------
        InputError
            There is no such curve.
        """
        if curve not in self.curves:
            raise InputError(unknown_name("curve", curve, self.curves))
        data = self.tree["constant_data"].to_dataset()
        x = np.log10(data["x"].to_numpy()[data["curve"].to_numpy().astype(str) == curve])
        return float(x.mean()), np.sort(x - x.mean())

    def trend(self, curve: str) -> Trend:
        """Posterior of a curve's trend."""
        seen = self.seen(curve)[1]
        own = {name: self.draws(name, curve) for name in ("level", "slope", "change", "place")}
        return Trend(width=self.draws("width"), seen=seen, **own)

    def measured(self, curve: str, x: float, trend: Array, rng: np.random.Generator) -> Array:
        """Draws of the latent score that would be measured at a size, (sample,).

        Of a new model; where the curve is the training of a single one, of that one.

        Parameters
        ----------
        curve : str
        x : float
            Its size in decades from the middle of those seen, beyond the largest.
        trend : array of shape (sample,)
            The trend there.
        """
        own = self.trend(curve)
        data = self.tree["constant_data"].to_dataset()
        mine = data["curve"].to_numpy().astype(str) == curve
        x_seen, z = data["x"].to_numpy()[mine], data["z"].to_numpy()[mine]
        last = z[x_seen == x_seen.max()]
        scatter, nu = self.draws("scatter", curve), self.draws("nu")
        if curve not in json.loads(self.tree.attrs["goes_on"]):
            new = self.draws("between_models") * rng.standard_t(nu) + rng.standard_t(nu)
            return np.asarray(trend + scatter * new)
        kept = self.draws("persistence") ** ((x - own.last) / FACTOR)
        # As in the model, several scores of the largest size leave part of their mean distance.
        away = last.mean() - own.at(np.array([own.last]))[:, 0]
        spread = scatter * np.sqrt(1 - kept**2 / len(last))
        return np.asarray(trend + kept * away + spread * rng.standard_t(nu))

    # -- asking and saving -------------------------------------------------------------------

    def probabilities(self, **question: Any) -> ShapeProbabilities:
        """Shapes at a stated scale; see `bayes_scaling.shapes.shape_probabilities`."""
        from bayes_scaling.shapes.probabilities import shape_probabilities

        return shape_probabilities(self, **question)

    def save(self, path: str | Path) -> Path:
        """Write the fit to one NetCDF file; a file that is there is replaced only when done."""
        with replacing(path) as temporary:
            self.tree.to_netcdf(temporary, engine="netcdf4")
        return Path(path)

    def __repr__(self) -> str:
        verdict = "trusted" if self.trusted else "NOT to be trusted"
        points = format_count(len(self.problems()), "point")
        return (
            f"ShapeFit of {self.card.name!r} to {len(self.data)} scores ({self.name})\n"
            f"  curves       {len(self.curves)}: {', '.join(self.curves[:6])}"
            f"{', ...' if len(self.curves) > 6 else ''}\n"
            f"  posterior    {verdict}; {points} to read in problems()"
        )


def load_shapes(path: str | Path) -> ShapeFit:
    """Read a fit that `ShapeFit.save` wrote.

    Raises
    ------
    FitFileError
        There is no such file, it is not a saved fit of shapes, or it has another format.
    """
    path = Path(path)
    advice = "make one with `bayes-scaling shapes METRICS -o shapes.nc`"
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FitFileError(f"cannot read the fit {str(path)!r}: it {what}")
    try:
        with xr.open_datatree(path, engine="netcdf4") as opened:
            tree = opened.load()
    except Exception as error:
        # The NetCDF stack raises OSError, KeyError, ValueError and others on damaged files.
        raise FitFileError(
            f"{str(path)!r} is not a saved fit, or it is damaged ({type(error).__name__}); {advice}"
        ) from error
    if tree.attrs.get("creator") != SHAPES_CREATOR:
        raise FitFileError(f"{str(path)!r} is not a fit of shapes; {advice}")
    if int(tree.attrs["format"]) != SHAPES_FORMAT:
        raise FitFileError(
            f"{str(path)!r} has format {tree.attrs['format']}, this version reads {SHAPES_FORMAT}"
        )
    return ShapeFit(tree)
