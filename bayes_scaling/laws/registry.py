"""Laws by name; others add theirs with `register_law` or an entry point, without editing us."""

from __future__ import annotations

from importlib.metadata import entry_points

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.laws.base import Law

__all__ = ["get_law", "list_laws", "register_law"]

ENTRY_POINT_GROUP = "bayes_scaling.laws"
_LAWS: dict[str, Law] = {}


def register_law[L: type[Law]](law: L) -> L:
    """Make a law available to cards under its ``name``; a class decorator.

    A class that is defined again, by a notebook cell that is run twice or a module that is
    reloaded, takes the place of the earlier one.

    Raises
    ------
    InputError
        Another law has that name.
    """
    known = _LAWS.get(law.name)
    if known is not None and _address(type(known)) != _address(law):
        raise InputError(f"a law named {law.name!r} is already registered; choose another name")
    _LAWS[law.name] = law()
    return law


def _address(law: type[Law]) -> tuple[str, str]:
    return law.__module__, law.__qualname__


def list_laws() -> tuple[Law, ...]:
    """Every registered law, those of installed entry points included."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        entry.load()
    return tuple(_LAWS[name] for name in sorted(_LAWS))


def get_law(name: str, x: str | None = None) -> Law:
    """The law of that name, on a variable `x` if it is a law of one variable.

    Raises
    ------
    InputError
        No law has that name (the message lists those that exist), or it has no choice of `x`.
    """
    if name not in _LAWS and name not in {law.name for law in list_laws()}:
        raise InputError(
            unknown_name("law", name, sorted(_LAWS))
            + "; one of your own is known once the file that registers it is imported"
        )
    return _LAWS[name] if x is None else _LAWS[name].on(x)
