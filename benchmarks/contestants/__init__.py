"""Ways to get an interval for the loss of a run that nobody has done yet.

Each module has one function, ``interval(table, question, seed, **settings) -> Answer``, which
imports what it needs itself, so that a child process pays for one contestant only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CONTESTANTS", "Answer", "Contestant"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An interval, and what a contestant tells of how it got there.

    Parameters
    ----------
    lower, median, upper : float
    seconds : dict of str to float
        Parts of the time, as far as the contestant knows them.
    draws : callable, optional
        Dataset of MCMC draws of E, A, B, alpha, beta, for effective sample sizes.
    """

    lower: float
    median: float
    upper: float
    seconds: dict[str, float] = field(default_factory=dict)
    draws: Callable[[], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A module of this folder with its settings.

    Parameters
    ----------
    module, label : str
    settings : dict
        Keyword arguments of the module's ``interval``.
    compiles : bool
        Whether cold and warm caches differ.
    needs : str
        Package that must be installed beside bayes-scaling's own.
    """

    module: str
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    compiles: bool = False
    needs: str = "scipy"


CONTESTANTS = {
    "ours": Contestant(module="ours", label="bayes-scaling", compiles=True),
    "textbook": Contestant(
        module="textbook", label="textbook PyMC, `pm.sample`", compiles=True, needs="pymc"
    ),
    "huber": Contestant(module="huber", label="Huber and 1,000 bootstraps, 4,500 starts"),
    "huber-quick": Contestant(
        module="huber",
        label="Huber and 1,000 bootstraps, best 50 starts",
        settings={"starts": 50, "others": 0},
    ),
    "wild": Contestant(
        module="wild",
        label="simple-scaling-laws, wild bootstrap",
        needs="simple_scaling_laws",
    ),
}
