"""Whether the chains agree: R-hat, effective sample sizes, divergences, energy, tree depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayes_scaling.inference.verdict import CheckResult

if TYPE_CHECKING:
    from bayes_scaling.inference.diagnostics.evidence import Evidence

__all__ = [
    "DIVERGENT_SHARE_MAX",
    "ESS_MIN",
    "RHAT_MAX",
    "check_convergence",
    "convergence",
    "more_draws",
    "nearly_mixed",
    "sampled_well",
    "sampler_figures",
    "times_as_long",
]

RHAT_MAX = 1.01
RHAT_NEAR = 1.05
"""Up to here more draws of the same chains are worth their time."""
ESS_MIN = 400.0
MARGIN = 1.5
"""How many more draws than are needed on average, since R-hat itself scatters."""
BFMI_MIN = 0.3
"""Vehtari et al. 2021, arXiv:1903.08008 (R-hat, effective sample size); Betancourt 2016,
arXiv:1604.00695 (energy)."""

DIVERGENT_SHARE_MAX = 0.001

EXPONENTS = ("a", "b")
"""Worked out of the draws; a law may fix them, and then there is nothing to converge."""

STATISTICS = ("r_hat", "ess_bulk", "ess_tail")


def convergence(posterior: xr.Dataset) -> xr.Dataset:
    """R-hat (rank-normalised), bulk and tail ESS of every variable, along ``statistic``.

    Allocation exponents that the law fixes are left out.
    """
    import arviz as az

    fixed = [n for n in EXPONENTS if n in posterior and float(np.ptp(posterior[n].to_numpy())) == 0]
    posterior = posterior.drop_vars(fixed)
    parts = [
        az.rhat(posterior),
        az.ess(posterior, method="bulk"),
        az.ess(posterior, method="tail"),
    ]
    table: xr.Dataset = xr.concat(parts, dim=xr.Variable("statistic", list(STATISTICS)))
    return table


def sampler_figures(statistics: xr.Dataset, sample_stats: xr.Dataset) -> dict[str, float]:
    """Worst figures over all variables, from `convergence` and the sampler's statistics."""
    import arviz as az

    def extreme(name: str, pick: Any) -> float:
        table = statistics.sel(statistic=name)
        values = np.concatenate([np.ravel(table[v].to_numpy()) for v in table.data_vars])
        return float(pick(values))

    figures = {
        "max_rhat": extreme("r_hat", np.max),
        "min_ess_bulk": extreme("ess_bulk", np.min),
        "min_ess_tail": extreme("ess_tail", np.min),
        "divergences": int(sample_stats["diverging"].sum()),
        "draws": int(sample_stats["diverging"].size),
    }
    if "energy" in sample_stats:
        energy = sample_stats[["energy"]]
        figures["min_bfmi"] = float(np.min(az.bfmi(energy)["energy"].to_numpy()))
    for name in ("maxdepth_reached", "reached_max_treedepth"):
        if name in sample_stats:
            figures["max_depth_share"] = float(sample_stats[name].mean())
    if "n_steps" in sample_stats:
        figures["steps_per_draw"] = float(sample_stats["n_steps"].mean())
    return figures


def sampled_well(tree: xr.DataTree) -> bool:
    """Whether the draws need no further attempt: no divergence, and all parameters mixed."""
    figures = _figures_of(tree)
    return bool(
        figures["divergences"] == 0
        and figures["max_rhat"] <= RHAT_MAX
        and min(figures["min_ess_bulk"], figures["min_ess_tail"]) >= ESS_MIN
    )


def nearly_mixed(tree: xr.DataTree) -> bool:
    """Whether longer chains could be enough: no divergence, and chains that nearly agree."""
    figures = _figures_of(tree)
    return bool(figures["divergences"] == 0 and figures["max_rhat"] <= RHAT_NEAR)


def times_as_long(tree: xr.DataTree) -> int:
    """How many times as many draws should do: R-hat - 1 and 1 / ESS fall with their number."""
    figures = _figures_of(tree)
    effective = max(1.0, min(figures["min_ess_bulk"], figures["min_ess_tail"]))
    short = max((figures["max_rhat"] - 1) / (RHAT_MAX - 1), ESS_MIN / effective)
    return int(np.ceil(MARGIN * short))


def _figures_of(tree: xr.DataTree) -> dict[str, float]:
    statistics = convergence(tree["posterior"].to_dataset())
    return sampler_figures(statistics, tree["sample_stats"].to_dataset())


def check_convergence(evidence: Evidence) -> list[CheckResult]:
    """R-hat, effective sample size, divergences, energy and tree depth."""
    figures = evidence.fit.sampler_figures
    share = figures["divergences"] / figures["draws"]
    enough = min(figures["min_ess_bulk"], figures["min_ess_tail"]) >= ESS_MIN
    results = [
        CheckResult(
            name="r-hat",
            passed=figures["max_rhat"] <= RHAT_MAX,
            fatal=True,
            text=f"The chains {_agree(figures['max_rhat'] <= RHAT_MAX)}: the largest R-hat is "
            f"{figures['max_rhat']:.4f} (at most {RHAT_MAX} is wanted).",
            values={"max_rhat": figures["max_rhat"]},
        ),
        CheckResult(
            name="effective sample size",
            passed=enough,
            fatal=True,
            text=f"The draws are worth {figures['min_ess_bulk']:.0f} independent ones in the "
            f"middle and {figures['min_ess_tail']:.0f} in the tails of the worst parameter "
            f"({ESS_MIN:.0f} are wanted).{more_draws(enough)}",
            values={key: figures[key] for key in ("min_ess_bulk", "min_ess_tail")},
        ),
        CheckResult(
            name="divergences",
            passed=figures["divergences"] == 0,
            fatal=share > DIVERGENT_SHARE_MAX,
            text=f"{figures['divergences']} of {figures['draws']} draws diverged: parts of the "
            "posterior may be missing."
            if figures["divergences"]
            else "No draw diverged.",
            values={"divergences": figures["divergences"], "draws": figures["draws"]},
        ),
    ]
    if "min_bfmi" in figures:
        low = figures["min_bfmi"] < BFMI_MIN
        results.append(
            CheckResult(
                name="energy",
                passed=not low,
                fatal=False,
                text=f"The sampler {'explores the tails slowly' if low else 'reaches the tails'}: "
                f"the lowest energy fraction is {figures['min_bfmi']:.2f} ({BFMI_MIN} is wanted).",
                values={"min_bfmi": figures["min_bfmi"]},
            )
        )
    if "max_depth_share" in figures:
        deep = figures["max_depth_share"]
        results.append(
            CheckResult(
                name="tree depth",
                passed=deep == 0,
                fatal=False,
                text=f"{deep:.1%} of the draws were cut short at the largest tree depth"
                f"{'; the answer is right but slow' if deep else ''}.",
                values={"share": deep},
            )
        )
    return results


def more_draws(enough: bool) -> str:
    """What to do about too few effective draws."""
    return "" if enough else " Ask for more draws."


def _agree(well: bool) -> str:
    return "agree" if well else "do NOT agree, so the answer depends on where they started"
