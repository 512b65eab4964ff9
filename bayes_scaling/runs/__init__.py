"""Tables of training runs: readers, checks, FLOP accounting, and the catalogue of data sets."""

from bayes_scaling.runs.catalogue import (
    DatasetEntry,
    datasheet,
    fetch,
    list_runs,
    load_runs,
)
from bayes_scaling.runs.checks import check_groups
from bayes_scaling.runs.flops import FLOPS_PER_PARAM_TOKEN, training_flops
from bayes_scaling.runs.problems import Problem, RunsError
from bayes_scaling.runs.read import read_runs
from bayes_scaling.runs.readers import register_reader
from bayes_scaling.runs.table import Runs

__all__ = [
    "FLOPS_PER_PARAM_TOKEN",
    "DatasetEntry",
    "Problem",
    "Runs",
    "RunsError",
    "check_groups",
    "datasheet",
    "fetch",
    "list_runs",
    "load_runs",
    "read_runs",
    "register_reader",
    "training_flops",
]
