"""Result files of lm-evaluation-harness (JSON) -> one row a task and metric."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_scaling.errors import InputError
from bayes_scaling.runs.problems import Origin, Problem
from bayes_scaling.runs.readers import RawTable, decode

__all__ = ["read_harness"]

_PREFERRED = "none"
"""Filter whose scores are taken where a metric was computed under several."""


def read_harness(paths: Sequence[Path]) -> RawTable:
    """Read result files, one model each, as `lm_eval --output_path` writes them.

    Parameters
    ----------
    paths
        JSON files.

    Returns
    -------
    RawTable
        Columns task, metric, value, stderr, n_examples, n_shots, higher_is_better, model, file,
        and params where the files have them.

    Raises
    ------
    InputError
        If a file cannot be read or is not a result file.
    """
    chosen: dict[str, str] = {}
    rows = [row for path in paths for row in _rows(path, chosen)]
    frame = pd.DataFrame(rows)
    label = paths[0].name if len(paths) == 1 else f"{len(paths)} result files"
    source = str(paths[0] if len(paths) == 1 else paths[0].parent)
    name = paths[0].stem if len(paths) == 1 else paths[0].parent.name
    origin = Origin(label, "row", np.arange(len(frame)))
    return RawTable(frame, origin, name, source, tuple(_several_filters(chosen, label)))


def _several_filters(chosen: Mapping[str, str], label: str) -> Iterator[Problem]:
    """That scores of other filters are left out, and which ones are not."""
    if not chosen:
        return
    named = [f"{what} by {used!r}" for what, used in list(chosen.items())[:3]]
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    yield Problem(
        code="several-filters",
        severity="warning",
        message=f"{label}: some scores are there under several filters; taken are "
        f"{', '.join(named)}{more}. For others give a long table, with a task for each.",
    )


def _rows(path: Path, chosen: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One row a task and metric; filters that were chosen among several are added to `chosen`."""
    content = _content(path)
    config = content.get("config") or {}
    model = content.get("model_name") or _pretrained(config.get("model_args"))
    about = {"model": model, "params": config.get("model_num_parameters"), "file": path.name}
    for task, scores in content["results"].items():
        for (metric, used), value in _scores(scores).items():
            if _filters(scores, metric) > 1:
                chosen[f"{task} {metric}"] = used.removeprefix(",")
            yield {
                "task": task,
                "metric": metric,
                "value": value,
                "stderr": _number(scores.get(f"{metric}_stderr{used}")),
                "n_examples": _samples(content, task),
                "n_shots": (content.get("n-shot") or {}).get(task),
                "higher_is_better": _better(content, task, metric),
                **about,
            }


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(decode(path.read_bytes(), path.name))
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not (isinstance(content, dict) and isinstance(content.get("results"), dict)):
        raise InputError(
            f"{path.name} is not a result file of lm-evaluation-harness: it has no object "
            "'results'. Give the JSON that `lm_eval --output_path` wrote, or a long CSV"
        )
    return content


def _scores(scores: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Scores by metric and the ending that names their filter; one filter a metric."""
    found: dict[tuple[str, str], float] = {}
    for key, value in scores.items():
        metric, comma, used = key.partition(",")
        if not isinstance(value, int | float) or isinstance(value, bool) or "_stderr" in metric:
            continue
        others = [known for known in found if known[0] == metric]
        if others and used != _PREFERRED:
            continue
        for other in others:
            del found[other]
        found[metric, comma + used] = float(value)
    return found


def _filters(scores: Mapping[str, Any], metric: str) -> int:
    return sum(key.partition(",")[0] == metric for key in scores)


def _number(value: object) -> float:
    """A standard error, nan for the "N/A" of metrics that have none."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _samples(content: Mapping[str, Any], task: str) -> float:
    counts = (content.get("n-samples") or {}).get(task) or {}
    return _number(counts.get("effective"))


def _better(content: Mapping[str, Any], task: str, metric: str) -> bool | None:
    said = (content.get("higher_is_better") or {}).get(task) or {}
    return said.get(metric)


def _pretrained(arguments: object) -> str | None:
    """Name of the model in "pretrained=EleutherAI/pythia-160m,dtype=float16" or a dict."""
    if isinstance(arguments, Mapping):
        return arguments.get("pretrained")
    parts = [p.strip() for p in str(arguments or "").split(",")]
    return next((p.removeprefix("pretrained=") for p in parts if p.startswith("pretrained=")), None)
