"""Saving a fit to one NetCDF file and reading it back, without losing anything."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from bayes_scaling.errors import FitFileError, InputError
from bayes_scaling.inference.arrays import SavedGroups, read_groups
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import log_inputs

if TYPE_CHECKING:
    import xarray as xr

    from bayes_scaling.inference.design import Design

__all__ = [
    "FIT_FORMAT", "QUESTION_GROUPS", "SHAPES_CREATOR", "design_of", "load_fit", "replacing",
    "save_fit",
]  # fmt: skip

FIT_FORMAT = 2

SHAPES_CREATOR = "bayes-scaling shapes"
"""What files of a `ShapeFit` say instead, so that these are told apart."""

QUESTION_GROUPS = ("posterior", "constant_data", "observed_data")
"""Groups of the tree that questions read."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place only if nothing went wrong.

    Raises
    ------
    InputError
        The folder does not exist or cannot be written to.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"cannot write {str(path)!r}: it is a folder; give the name of a file")
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; the result should be as readable as any other new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def save_fit(fit: Fit, path: str | Path) -> Path:
    """See `Fit.save`."""
    with replacing(path) as temporary:
        fit.tree.to_netcdf(temporary, engine="netcdf4")
    return Path(path)


def load_fit(path: str | Path, *, groups: Sequence[str] | None = None) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : str or Path
    groups : sequence of str, optional
        Read only these groups of its tree, and make a tree of them only if it is asked for;
        `QUESTION_GROUPS` are enough to forecast, to allocate and to plan. All by default.

    Raises
    ------
    FitFileError
        There is no such file, it is not a saved fit, it is damaged, or it has another format.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FitFileError(f"cannot read the fit {str(path)!r}: it {what}")
    try:
        tree = _read_tree(path, groups)
    except Exception as error:
        # The NetCDF stack raises OSError, KeyError, ValueError and others on damaged files.
        raise FitFileError(
            f"{str(path)!r} is not a saved fit, or it is damaged ({type(error).__name__}); make "
            "one with `bayes-scaling fit RUNS -o fit.nc`"
        ) from error
    if tree.attrs.get("creator") == SHAPES_CREATOR:
        raise FitFileError(
            f"{str(path)!r} is a fit of shapes of scores, not of losses of runs; ask it with "
            "`bayes-scaling shapes FILE`, and write its page with `bayes-scaling shapes FILE "
            "--report page.html`"
        )
    if tree.attrs.get("creator") != "bayes-scaling":
        raise FitFileError(
            f"{str(path)!r} was not written by bayes-scaling; make a fit with "
            "`bayes-scaling fit RUNS -o fit.nc`"
        )
    found = int(tree.attrs["format"])
    if found != FIT_FORMAT:
        raise FitFileError(
            f"{str(path)!r} has format {found}, this version reads format {FIT_FORMAT}; "
            + ("update bayes-scaling" if found > FIT_FORMAT else "fit the runs again")
        )
    return Fit(cast("xr.DataTree", tree))


def _read_tree(path: Path, groups: Sequence[str] | None) -> xr.DataTree | SavedGroups:
    if groups is not None:
        return read_groups(path, groups)
    import xarray as xr

    with xr.open_datatree(path, engine="netcdf4") as opened:
        return opened.load()


def design_of(fit: Fit) -> Design:
    """The arrays that a fit was made from, from what its tree keeps."""
    from bayes_scaling.inference.design import Design

    constant = fit.tree["constant_data"].to_dataset()
    loss = constant["loss"].to_numpy()
    groups = {name: i for i, name in enumerate(fit.groups)}
    index = np.array([groups[name] for name in constant["group"].to_numpy().astype(str)])
    training_run_index: np.ndarray | None = None
    training_runs: tuple[str, ...] = ()
    if "run_level" in fit.tree["posterior"]:
        training_runs = tuple(map(str, fit.posterior["training_run"].to_numpy()))
        order: dict[str, int] = {name: i for i, name in enumerate(training_runs)}
        labels = constant["training_run"].to_numpy().astype(str)
        training_run_index = np.array([order.get(name, len(order)) for name in labels])
    budget_index: np.ndarray | None = None
    budgets: tuple[str, ...] = ()
    if "budget" in constant:
        budgets = tuple(map(str, fit.posterior["budget"].to_numpy()))
        place: dict[str, int] = {name: i for i, name in enumerate(budgets)}
        budget_index = np.array([place[b] for b in constant["budget"].to_numpy().astype(str)])
    error = constant["loss_se"].to_numpy() if "loss_se" in constant else None
    return Design(
        by=fit.by,
        groups=fit.groups,
        levels=fit.levels,
        group_levels=_group_levels(fit),
        group_index=index,
        training_run_index=training_run_index,
        training_runs=training_runs,
        budget_index=budget_index,
        budgets=budgets,
        log_inputs=log_inputs(fit.law.inputs, fit.columns, of="the fit"),
        log_loss=np.log(loss),
        log_loss_se=None if error is None else np.nan_to_num(error) / loss,
        reference=fit.reference,
        edge=fit.edge,
        within=fit.card.within,
    )


def _group_levels(fit: Fit) -> np.ndarray:
    if len(fit.by) < 2:
        return np.arange(len(fit.groups))[None] if fit.by else np.zeros((0, 1), dtype=int)
    parts = [fit.split_group(name) or () for name in fit.groups]
    return np.array([[fit.levels[i].index(part[i]) for part in parts] for i in range(len(fit.by))])
