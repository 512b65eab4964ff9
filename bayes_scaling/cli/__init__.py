"""The ``bayes-scaling`` command: one thin file a command, over the public functions.

Every command prints text for people, or with ``--json`` one JSON value on standard output, with
numbers in full precision and null for what is not finite::

    fit, summary  {"format": 1, "name", "model", "n_runs", "groups": [...], "by": [...],
                   "inputs": [...], "counting", "seed", "prob",
                   "diagnostics": {"max_rhat", "min_ess_bulk", "min_ess_tail", "divergences",
                                   "trusted", ...},
                   "seconds": {"import", "compile", "sample", "total"},
                   "parameters": {GROUP: {"E": STATISTICS, ...}}, "warnings": [text, ...]}
    forecast      [{"params", "tokens", "group", "mean", "median", "sd", "lower", "upper", "prob",
                    "counting"}], and what else was asked: "flops", "step", "unique_tokens", ...
    allocate      [{"flops", "group", "params": STATISTICS, "tokens": STATISTICS,
                    "tokens_per_param": STATISTICS, "loss": STATISTICS, "a": STATISTICS,
                    "b": STATISTICS, "counting"}]
    plan          {"objective", "plan": {"params", "tokens", "training_flops", "inference_flops",
                   "money", "days", "loss": STATISTICS} or null, "optimum": {"params": STATISTICS,
                   "tokens": STATISTICS}, "regret": REGRET, "valley": {"epsilon", "params": [low,
                   high] or null, "tokens": the same}, "alternatives": [{"name", "params", "tokens",
                   "loss": STATISTICS, "regret": REGRET}], "target": {"loss", "confidence",
                   "flops" or null} or null, "warnings": [text, ...], "group", "counting", "prob"};
                   a list of them for several budgets. REGRET is {"nats", "deadweight_compute",
                   "deadweight_money" or null}, each STATISTICS; here these are without "prob"
    compare       {"format": 1, "laws": [LAW, ...] the best first, "pairwise": [PAIR, ...],
                   "held_out": {"n_runs", "decades"} or null, "group", "counting", "prob",
                   "verdicts": [text, ...], "seconds": {...}}
    kaplan-or-chinchilla
                  {"format": 1, "corners": {"chinchilla", "kaplan", "neither"},
                   "corners_before": the same by the priors,
                   "posterior": {"E", "gamma", "a", ...: STATISTICS},
                   "analyses": [{"analysis", "what", "shift", "verdict", and STATISTICS of a}],
                   "untested": {cause: text}, "notes": [text],
                   "comparison": what compare prints, "verdicts": [...]}
    backtest      {"format": 1, "scores": [{"group", "cut", "method", "n", "factor", "coverage50",
                   "coverage80", "coverage90", "coverage95", "crps", "log_score", "bias",
                   "width90", and their errors}], "distances": the same by "at_least" and "below",
                   "predictions": [{"group", "cut", "method", "row", "loss", "median", "lower90",
                   "upper90", ...}], "methods": {name: text}, "runs", "n_runs", "by", "along",
                   "cuts", "engine", "seed", "counting", "counts", "trusted",
                   "left_out": [text: group and cut, with why, ...],
                   "learned_from_runs": [method, ...], "verdicts": [text, ...]}
    shapes        [{"task", "curve": its label, which is the task's name where that has one curve,
                   "family", "at": {SCALE: number}, "probabilities": {"improving", "flat",
                   "inverse", "u_shaped", "inverted_u", "delayed"}, "p_worse_than_largest_seen",
                   "p_measures_worse", "p_worse_than_largest_seen_prior_only", "value": STATISTICS,
                   "turning_point": {"median", "lower", "upper", "prob", "p_turns"}}]
    report        {"format": 1, "path"}
    data list     [{"name", "title", "kind", "holds": "runs", "models" or "metrics", "n_rows",
                    "by": [...], "licence", "citation", "url"}]
    data show     the same fields of one set, and "datasheet" (Markdown)
    data fetch    {"name", "path"}
    models list   [{"name", "title", "law", "pools_over": [...]}]
    models show   the card
    models check  {"card", "passed", "text", "absurd_share", "loss": [...], "parameters": {...}}
    models graph  {"card", "mermaid"}
    demo          {"format": 1, "seconds", "fit", "forecast", "allocate", "files"}

STATISTICS are ``{"mean", "median", "sd", "lower", "upper", "prob"}``; a LAW is ``{"name", "model",
"elpd_loo", "se", "weight", "elpd_extrapolation", "weight_extrapolation", "a": STATISTICS, "b":
STATISTICS, "unreliable", "trusted"}``, with null for what was not asked or what the law does not
have; a PAIR, two laws at one budget, ``{"one", "other", "flops", "ratio": STATISTICS of the size by
other over that by one, "factor", "probability_differs", "verdict": "differs", "does not differ in
practice" or "undecided", "loss_if_one_holds", "loss_if_other_holds", "text"}``. ``counting`` says
what N and C count. Warnings go to standard error. With ``--json`` an error is printed there too,
and on standard output as ``{"error": text, "problems": [...]}``, with one entry for each thing that
is wrong with a table of runs.

Exit codes: 0; 1 if the answer comes from a fit that must not be trusted, or a card fails its
check; 2 for bad input or use; 130 if interrupted.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process."""
    import atexit
    import gc

    from bayes_scaling.cli.app import app

    # Imports make hundreds of thousands of objects that stay. To look for garbage among them every
    # 2,000 objects, and once more at the end, took a tenth of the CPU time of a plan or quick fit.
    gc.set_threshold(500_000)
    atexit.register(gc.freeze)
    app(prog_name="bayes-scaling")
