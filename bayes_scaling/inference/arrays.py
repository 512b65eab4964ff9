"""Named arrays with their dims: what questions read of a fit, without xarray or pandas.

Importing these two takes longer than to read a fit and to plan with 4000 draws of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["NamedArray", "SavedGroups", "arrays_of", "read_groups"]


@dataclass(frozen=True)
class NamedArray:
    """An array and the names of its dims."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def select(self, dim: str, index: int) -> NamedArray:
        """The array at one place of a dim."""
        dims = tuple(name for name in self.dims if name != dim)
        return NamedArray(dims, np.take(self.values, index, axis=self.dims.index(dim)))

    def samples(self) -> NDArray[Any]:
        """Draws of all chains one after the other, on the first axis."""
        axes = [self.dims.index(name) for name in ("chain", "draw")]
        first = np.moveaxis(self.values, axes, (0, 1))
        return first.reshape(-1, *first.shape[2:])


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedGroups:
    """Stands in for the tree of a fit of which only some groups were read.

    It becomes an `xarray.DataTree` once something asks for more than attributes and arrays.
    """

    attrs: dict[str, Any]
    groups: Mapping[str, Mapping[str, NamedArray]]

    @cached_property
    def tree(self) -> xr.DataTree:
        """The tree itself."""
        import xarray as xr

        made = {name: xr.decode_cf(_dataset(group)) for name, group in self.groups.items()}
        return xr.DataTree.from_dict({"/": xr.Dataset(attrs=self.attrs), **made})

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tree, name)

    def __getitem__(self, key: str) -> Any:
        return self.tree[key]

    def __contains__(self, key: object) -> bool:
        return key in self.groups


def arrays_of(tree: xr.DataTree | SavedGroups, group: str) -> Mapping[str, NamedArray]:
    """The arrays of one group of a tree, coordinates among them."""
    if isinstance(tree, SavedGroups):
        return tree.groups[group]
    variables = tree[group].to_dataset().variables
    return {
        str(name): NamedArray(tuple(map(str, each.dims)), each.to_numpy())
        for name, each in variables.items()
    }


def read_groups(path: Path, groups: Sequence[str]) -> SavedGroups:
    """Read some groups of a NetCDF file; whatever netCDF4 raises if it is not one."""
    from netCDF4 import Dataset

    with Dataset(path) as file:
        file.set_auto_maskandscale(False)
        attrs = _attrs(file)
        if attrs.get("creator") != "bayes-scaling":
            return SavedGroups(attrs=attrs, groups={})
        return SavedGroups(attrs=attrs, groups={name: _arrays(file[name]) for name in groups})


def _arrays(group: Any) -> dict[str, NamedArray]:
    return {
        name: NamedArray(each.dimensions, each[...], _attrs(each))
        for name, each in group.variables.items()
    }


def _attrs(of: Any) -> dict[str, Any]:
    return {name: of.getncattr(name) for name in of.ncattrs()}


def _dataset(group: Mapping[str, NamedArray]) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset({name: (each.dims, each.values, each.attrs) for name, each in group.items()})
