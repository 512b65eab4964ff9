"""Runs that could be done next: a grid within a budget, or a table of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.questions import Predictor, group_labels, quantities, with_groups
from bayes_scaling.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["candidate_grid", "read_candidates"]

N_SIDE = 10
"""Budgets, and ratios of tokens to parameters, of a grid."""

DECADES_BELOW = 2.0
"""Of the cheapest candidate, below the budget."""

RATIOS = (5.0, 200.0)
"""Tokens per parameter that a grid covers at least; more where the runs have more."""

Array = NDArray[np.float64]


def candidate_grid(fit: Predictor, budget: float, groups: Sequence[str]) -> pd.DataFrame:
    """Runs at ten amounts of compute up to the budget and ten ratios of tokens to parameters.

    Parameters
    ----------
    fit : Fit or AveragedFit
        Whose runs say which ratios are usual.
    budget : float
        FLOPs of the costliest.
    groups : sequence of str
        Each of which gets the whole grid.

    Returns
    -------
    DataFrame
        Columns params, tokens, flops, group.

    Raises
    ------
    InputError
        The runs do not say their size and tokens.
    """
    import pandas as pd

    flops = np.geomspace(budget / 10**DECADES_BELOW, budget, N_SIDE)
    low, high = _ratios(fit)
    ratio = np.geomspace(low, high, N_SIDE)
    each, ratios = (axis.ravel() for axis in np.meshgrid(flops, ratio, indexing="ij"))
    # Sizes need no more digits than anyone would train to.
    params = np.array([float(f"{size:.3g}") for size in np.sqrt(each / 6.0 / ratios)])
    points = pd.DataFrame({"params": params, "tokens": each / 6.0 / params, "flops": each})
    return points.merge(pd.DataFrame({"group": list(groups)}), how="cross")


def _ratios(fit: Predictor) -> tuple[float, float]:
    """Least and most tokens per parameter of the grid."""
    columns = fit.columns
    if not {"params", "tokens"} <= set(columns):
        raise InputError(
            "candidates are runs of a size and a number of tokens, and the runs of this fit do not "
            "say theirs"
        )
    ratio = columns["tokens"] / columns["params"]
    return min(RATIOS[0], float(ratio.min())), max(RATIOS[1], float(ratio.max()))


def read_candidates(
    fit: Predictor, table: pd.DataFrame, groups: Sequence[str], *, named: bool
) -> pd.DataFrame:
    """A table of candidates as numbers, with the compute of each (6 N D) and its group.

    Parameters
    ----------
    fit : Fit or AveragedFit
    table : DataFrame
        Columns params, tokens, and for several groups group (or the column that the fit groups
        by).
    groups : sequence of str
        For a table without groups: each gets every candidate.
    named : bool
        Whether the question named these groups, which a table with groups contradicts.

    Raises
    ------
    InputError
        A column is missing, a value is not a positive number, or a group is unknown.
    """
    import pandas as pd

    missing = [name for name in ("params", "tokens") if name not in table]
    if missing or table.empty:
        lack = f"no column {' and '.join(missing)}" if missing else "no rows"
        raise InputError(f"the candidates have {lack}; give params, tokens and perhaps group")
    read = {name: quantities(list(table[name]), name) for name in ("params", "tokens")}
    points: dict[str, Any] = {**read, "flops": 6.0 * read["params"] * read["tokens"]}
    labels = group_labels(fit, table)
    if labels is None:
        return pd.DataFrame(with_groups(fit, points, groups))
    points["group"] = labels
    return pd.DataFrame(with_groups(fit, points, groups if named else None))
