"""Tables of training runs: readers, checks, FLOP accounting, and the catalogue of data sets."""

from bayes_scaling.runs.catalogue import (
    DatasetEntry,
    datasheet,
    fetch,
    list_runs,
    load_metrics,
    load_runs,
    load_table,
)
from bayes_scaling.runs.checks import check_groups
from bayes_scaling.runs.flops import (
    FLOPS_PER_PARAM_TOKEN,
    PEARCE_SONG_OMEGA,
    non_embedding_params,
    pf_days,
    total_params,
    training_flops,
)
from bayes_scaling.runs.metrics import MetricCurves, read_metrics
from bayes_scaling.runs.problems import Problem, RunsError
from bayes_scaling.runs.read import read_runs
from bayes_scaling.runs.readers import register_reader
from bayes_scaling.runs.table import Runs
from bayes_scaling.runs.transformer import Transformer

__all__ = [
    "FLOPS_PER_PARAM_TOKEN",
    "PEARCE_SONG_OMEGA",
    "DatasetEntry",
    "MetricCurves",
    "Problem",
    "Runs",
    "RunsError",
    "Transformer",
    "check_groups",
    "datasheet",
    "fetch",
    "list_runs",
    "load_metrics",
    "load_runs",
    "load_table",
    "non_embedding_params",
    "pf_days",
    "read_metrics",
    "read_runs",
    "register_reader",
    "total_params",
    "training_flops",
]
