"""How long a model of another size has to be trained to match one: LLaMA's trade.

A smaller model that sees more tokens reaches the same loss, costs more to train and less to run
(Touvron et al. 2023, arXiv:2302.13971, section 1).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.ground import Ground
from bayes_scaling.decisions.questions import Predictor, one_group, quantities
from bayes_scaling.inference.posterior import DEFAULT_PROB
from bayes_scaling.inference.summary import check_prob

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["TokensToMatch", "tokens_to_match"]

Array = NDArray[np.float64]

LEAST, MOST = 1e-4, 1e4
"""Times the tokens of the run that is matched: what takes more is never reached in practice."""

POINTS, HALVINGS = 65, 50
"""Eight tokens a decade at which the loss is looked at; then the first crossing is halved."""


@dataclass(frozen=True, kw_only=True)
class TokensToMatch:
    """Posterior of the tokens that a size needs for the loss of another run.

    Attributes
    ----------
    draws : xarray.Dataset
        ``tokens``, infinite where even `MOST` times those of the matched run are too few, and the
        ``loss`` that is matched, dim sample.
    params : float
        The size.
    matched : tuple of float
        Size and tokens of the run that is matched.
    prob : float
    law_only : TokensToMatch, optional
        The same with the law taken for the truth; None where that is what this is.
    """

    draws: xr.Dataset
    params: float
    matched: tuple[float, float]
    prob: float
    law_only: TokensToMatch | None = None

    @property
    def p_never(self) -> float:
        """Probability that no number of tokens up to `MOST` times the matched ones suffices."""
        return float(np.isinf(self.draws["tokens"].to_numpy()).mean())

    def table(self, *, prob: float | None = None) -> pd.DataFrame:
        """One row: params, median, lower and upper of the tokens, prob, p_never."""
        import pandas as pd

        prob = self.prob if prob is None else check_prob(prob)
        levels = [(1 - prob) / 2, 0.5, (1 + prob) / 2]
        # Between a number and infinity there is nothing to interpolate.
        tokens = self.draws["tokens"].to_numpy()
        lower, median, upper = np.quantile(tokens, levels, method="inverted_cdf")
        row = {"median": median, "lower": lower, "upper": upper, "prob": prob}
        return pd.DataFrame([{"params": self.params, **row, "p_never": self.p_never}])

    def to_json(self) -> str:
        """Object: params, median, lower, upper, prob, p_never; infinite numbers are null."""
        row = self.table().to_dict("records")[0]
        finite = {str(k): None if np.isinf(v) else v for k, v in row.items()}
        return json.dumps(finite, indent=2)


def tokens_to_match(
    fit: Predictor,
    *,
    params: Any,
    like: tuple[Any, Any],
    group: str | None = None,
    prob: float = DEFAULT_PROB,
) -> TokensToMatch:
    """Tokens that a size needs to reach the loss of a run of another size, under each draw.

    Parameters
    ----------
    fit : Fit or AveragedFit
    params : number or text such as "33B"
    like : pair of numbers or texts, such as ("65B", "600B")
        Size and tokens of the run whose loss is to be matched.
    group : str, optional
        Needed where the fit has several.
    prob : float
        Probability of the interval.

    Raises
    ------
    InputError
        A quantity is not positive, or a group is unknown.
    """
    import xarray as xr

    check_prob(prob)
    size = float(quantities(params, "params")[0])
    matched = (float(quantities(like[0], "params")[0]), float(quantities(like[1], "tokens")[0]))
    ground = Ground(fit=fit, group=one_group(fit, group), costs=Costs())
    wanted = ground.loss(np.log(matched[:1]), np.log(matched[1:]))
    tokens = _first_enough(ground, np.log(size), wanted, np.log(matched[1]))
    return TokensToMatch(
        draws=xr.Dataset({"tokens": ("sample", tokens), "loss": ("sample", wanted[:, 0])}),
        params=size,
        matched=matched,
        prob=prob,
        law_only=tokens_to_match(fit.law_only(), params=params, like=like, group=group, prob=prob)
        if fit.drifts
        else None,
    )


def _first_enough(ground: Ground, log_params: float, wanted: Array, log_like: float) -> Array:
    """Least tokens of each draw that reach a loss (sample, 1), infinite where none do.

    The first crossing, since with the drift a loss may rise again far beyond the runs.
    """
    grid = log_like + np.linspace(np.log(LEAST), np.log(MOST), POINTS)
    enough = ground.loss(np.full(POINTS, log_params), grid) <= wanted
    first = np.argmax(enough, axis=1)[:, None]
    low, high = grid[np.maximum(first - 1, 0)], grid[first]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = ground.loss(np.array([log_params]), middle) <= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(enough.any(axis=1), np.exp(high[:, 0]), np.inf)
