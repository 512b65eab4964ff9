"""Which terms of a law a set of runs can identify at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bayes_scaling.runs.cells import CheckedTable
from bayes_scaling.runs.problems import Problem, Severity
from bayes_scaling.units import format_count, format_quantity

__all__ = ["DESIGN_CHECKS"]

Floats = npt.NDArray[np.float64]

FEWEST_RUNS, FEW_RUNS = 2, 6
"""One run has no slope; five numbers of Chinchilla's law want at least one run more."""
SAME = 0.01
"""Spread of a logarithm below which values count as one: sizes are rarely known to 1 %."""
FAR_Z, FAR_FACTOR = 3.0, 10.0
"""A row's tokens per parameter are far out beyond both: robust z, and factor to the median."""
NARROW_COMPUTE = 10.0


def check_number(table: CheckedTable) -> Iterator[Problem]:
    """Fewer runs than can be fitted."""
    # Rows with bad cells count: they are reported as such, and may well be put right.
    n = len(table.frame)
    if n >= FEW_RUNS or n == 0:
        return
    severity: Severity = "error" if n < FEWEST_RUNS else "warning"
    consequence = (
        "nothing can be fitted" if n < FEWEST_RUNS else "the priors will decide most of the answer"
    )
    yield _design(
        table, "few-runs", severity, found=format_count(n, "run"),
        expected=f"{FEW_RUNS} or more, over several sizes and token counts",
        sentence=f"{consequence}. Add runs.",
    )  # fmt: skip


def _usable_logs(table: CheckedTable) -> tuple[Floats, Floats] | None:
    """Return log N and log D of the usable rows, None where there are not two of them."""
    if not table.has("params", "tokens"):
        return None
    usable = table.usable("params", "tokens")
    if usable.sum() < FEWEST_RUNS:
        return None
    return np.log(table.values("params")[usable]), np.log(table.values("tokens")[usable])


def check_identified(table: CheckedTable) -> Iterator[Problem]:
    """One size, one token count, or tokens proportional to size."""
    if (logs := _usable_logs(table)) is None:
        return
    log_n, log_d = logs
    one_n, one_d = bool(np.ptp(log_n) < SAME), bool(np.ptp(log_d) < SAME)
    size, data = format_quantity(np.exp(log_n[0])), format_quantity(np.exp(log_d[0]))
    if one_n and one_d:
        yield _design(
            table, "one-design-point", "error", found=f"one N ({size}) and one D ({data})",
            expected="several of at least one of them",
            sentence="no scaling law can be fitted. Add runs of other sizes.",
        )  # fmt: skip
    elif one_n:
        yield _design(
            table, "one-size", "warning", found=f"one N ({size})", expected="several sizes",
            sentence="alpha and A are not identified: their priors come back. Add another size.",
        )  # fmt: skip
    elif one_d:
        yield _design(
            table, "one-token-count", "warning", found=f"one D ({data})",
            expected="several token counts",
            sentence="beta and B are not identified: their priors come back. Add runs that see "
            "more or fewer tokens.",
        )  # fmt: skip
    elif float(np.std(log_d - log_n)) < SAME:
        ratio = np.exp(np.median(log_d - log_n))
        yield _design(
            table, "proportional", "warning", found=f"D = {ratio:.3g} N in every run",
            expected="several tokens-per-parameter ratios",
            sentence="the two terms of the law cannot be told apart, nor the best ratio found. "
            "Add runs off this line.",
        )  # fmt: skip


def check_ratio_outliers(table: CheckedTable) -> Iterator[Problem]:
    """Rows whose tokens per parameter lie far outside the rest."""
    if (logs := _usable_logs(table)) is None:
        return
    where = np.flatnonzero(table.usable("params", "tokens"))
    ratio = logs[1] - logs[0]
    away = np.abs(ratio - np.median(ratio))
    # Times 1.4826 the median deviation is a normal's standard deviation. It is 0 where over
    # half of the runs share a ratio: the factor alone decides then.
    spread = 1.4826 * np.median(away)
    far = (away > FAR_Z * spread) & (away > np.log(FAR_FACTOR))
    if not far.any():
        return
    worst = np.flatnonzero(far)[np.argsort(-away[far], kind="stable")]
    rows, named = table.origin.named(where[worst])
    lowest, highest = np.exp(ratio[worst].min()), np.exp(ratio[worst].max())
    ends = dict.fromkeys(format_quantity(end) for end in (lowest, highest))
    found = f"D/N of {' to '.join(ends)}"
    middle = format_quantity(np.exp(np.median(ratio)))
    yield Problem(
        code="ratio-outliers",
        severity="warning",
        message=f"{table.origin.label}, {named}: found {found} where the median is {middle}. "
        "Rows so far from the rest can turn a least-squares fit; leave them out with select() "
        "(--where) to see whether they matter.",
        rows=rows,
        n_rows=len(worst),
        found=found,
        expected=f"D/N near {middle}",
    )


def check_compute_range(table: CheckedTable) -> Iterator[Problem]:
    """Compute that spans too little to extrapolate from."""
    if _usable_logs(table) is None or not table.has("flops"):
        return
    flops = table.values("flops")[table.usable("params", "tokens", "flops")]
    if len(flops) < FEWEST_RUNS or (span := flops.max() / flops.min()) >= NARROW_COMPUTE:
        return
    yield _design(
        table, "narrow-compute", "warning", found=f"compute within a factor of {span:.3g}",
        expected=f"a factor of {NARROW_COMPUTE:g} or more",
        sentence="extrapolations will be wide and hang on the priors. Add smaller or larger runs.",
    )  # fmt: skip


def _design(
    table: CheckedTable, code: str, severity: Severity, *, found: str, expected: str, sentence: str
) -> Problem:
    return Problem(
        code=code,
        severity=severity,
        message=f"{table.origin.label}: found {found}; expected {expected}: {sentence}",
        n_rows=len(table.frame),
        found=found,
        expected=expected,
    )


DESIGN_CHECKS = (check_number, check_identified, check_ratio_outliers, check_compute_range)
