"""Cuts of a table of runs: which runs a back-test fits, and which it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_scaling.comparison.extrapolation import FEWEST_FITTED
from bayes_scaling.comparison.methods import Part
from bayes_scaling.decisions.questions import quantities
from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs import Runs

__all__ = ["ALONG", "CUTS", "Cut", "Cuts", "make_cuts", "read_cuts", "whole"]

ALONG = ("flops", "params", "tokens")
CUTS = (0.5, 0.7, 0.9)
"""Shares of the runs that are fitted unless others are asked for."""

_SAME = 1 + 1e-9

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Runs of one group up to a value and beyond it; masks over the rows of the table."""

    group: str
    at: float
    fitted: Mask
    held: Mask


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """All cuts of a study, and those that could not be made, in words."""

    cuts: tuple[Cut, ...]
    left_out: tuple[str, ...]


def whole(runs: Runs, along: str) -> Part:
    """All runs of a table.

    Raises
    ------
    InputError
        `along` is none of "flops", "params" and "tokens".
    """
    if along not in ALONG:
        raise InputError(unknown_name("variable to cut along", along, ALONG))
    return Part(
        log_params=np.log(runs.params),
        log_tokens=np.log(runs.tokens),
        log_loss=np.log(runs.loss),
        log_x=np.log(getattr(runs, along)),
    )


def read_cuts(
    cuts: Sequence[float] | None, holdout: Any, along: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shares of the runs to fit, or the limits beyond which runs are held out, in order.

    Raises
    ------
    InputError
        Both are given, or none of one kind, or one twice; a share does not lie between 0 and 1, or
        a limit is not a positive number.
    """
    if holdout is None:
        return _shares(CUTS if cuts is None else cuts), ()
    if cuts is not None:
        raise InputError(
            "give either cuts= (--cuts), shares of the runs to fit, or holdout= (--max-flops, "
            "--max-params, --max-tokens), the limits beyond which runs are held out, not both"
        )
    return (), _limits(holdout, along)


def _limits(holdout: Any, along: str) -> tuple[float, ...]:
    try:
        limits = quantities(holdout, f"holdout along {along}", flops=along == "flops")
    except InputError as error:
        raise InputError(f"{error}; shares of the runs are given as cuts= (--cuts)") from error
    if len(set(limits)) < len(limits):
        raise InputError(f"holdout along {along} has the same limit twice")
    return tuple(sorted(map(float, limits)))


def _shares(shares: Sequence[float]) -> tuple[float, ...]:
    bad = [share for share in shares if not 0 < share < 1]
    if bad or not shares or len(set(shares)) < len(shares):
        raise InputError(
            "cuts must be different shares of the runs between 0 and 1, such as 0.5,0.7,0.9, not "
            f"{', '.join(f'{share:g}' for share in shares) or 'none'}"
        )
    return tuple(sorted(map(float, shares)))


def make_cuts(
    x: NDArray[np.float64], labels: pd.Series, *, shares: Sequence[float], limits: Sequence[float]
) -> Cuts:
    """Cut every group, by shares of its runs or at the same limits.

    Runs of equal `x` stay together. A group is left out at a cut that leaves fewer than six of its
    runs to fit or none to predict.

    Parameters
    ----------
    x : array of shape (run,)
        What the cuts are made along.
    labels : Series
        Group of every run.
    shares : sequence of float
        Shares of a group's runs that are fitted, those of least `x`.
    limits : sequence of float
        Largest `x` that is fitted, instead of shares.

    Raises
    ------
    InputError
        A cut can be made in no group.
    """
    made, left_out = [], []
    groups = {str(name): (labels == name).to_numpy() for name in labels.unique()}
    for at in limits or shares:
        found: list[Cut] = []
        reasons: list[str] = []
        for name, own in sorted(groups.items()):
            limit = at if limits else _limit(x[own], at)
            fitted, held = own & (x <= limit * _SAME), own & (x > limit * _SAME)
            reason = _not_possible(int(fitted.sum()), int(held.sum()))
            if reason:
                reasons.append(f"cut {at:g}" + f" of {name}" * (len(groups) > 1) + f": {reason}")
            else:
                found.append(Cut(group=name, at=at, fitted=fitted, held=held))
        if not found:
            more = f" (and {len(reasons) - 1} more groups)" if len(reasons) > 1 else ""
            raise InputError(f"{reasons[0]}{more}; choose another cut")
        made += found
        left_out += reasons
    return Cuts(cuts=tuple(made), left_out=tuple(left_out))


def _limit(x: NDArray[np.float64], share: float) -> float:
    """The largest of the smallest `share` of values."""
    return float(np.sort(x)[max(1, round(share * len(x))) - 1])


def _not_possible(n_fitted: int, n_held: int) -> str:
    if n_fitted < FEWEST_FITTED:
        return (
            f"it leaves {n_fitted} of {n_fitted + n_held} runs to fit; {FEWEST_FITTED} are needed"
        )
    if not n_held:
        return f"it leaves none of {n_fitted} runs to predict"
    return ""
