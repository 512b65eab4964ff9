"""Accelerators by name, with the source of their figures: the file ``data/hardware.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.resources import resource_dir

__all__ = ["Accelerator", "get_accelerator", "list_hardware"]


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """What a vendor states of one device.

    Attributes
    ----------
    name, title : str
        What costs call it, and its full name.
    peak_flops : float
        Dense BF16 operations a second.
    memory : float
        Bytes.
    source : str
        Where the figures were printed.
    """

    name: str
    title: str
    peak_flops: float
    memory: float
    source: str


@cache
def _known() -> dict[str, Accelerator]:
    text = (resource_dir("data") / "hardware.toml").read_text("utf-8")
    return {name: Accelerator(name=name, **each) for name, each in tomllib.loads(text).items()}


def list_hardware() -> list[Accelerator]:
    """Return all accelerators that costs may name."""
    return list(_known().values())


def get_accelerator(name: str) -> Accelerator:
    """Return an accelerator by its name, such as "h100-sxm".

    Raises
    ------
    InputError
        There is none of that name.
    """
    key = name.strip().casefold()
    if key not in _known():
        raise InputError(
            f"{unknown_name('hardware', name, _known())}. For another device give its peak_flops "
            "(dense, at the precision of training)"
        )
    return _known()[key]
