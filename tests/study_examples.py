"""Tasks of studies, and where they are done."""

from bayes_scaling.comparison.executors import place_for
from bayes_scaling.comparison.studies import Task

STUDY = {"runs": "a", "seed": "1"}


def square(x):
    return {"square": x * x, "nothing": float("inf")}


def tasks_of(values):
    return [Task(key=f"task {i}", data=value) for i, value in enumerate(values)]


def place_of(executor):
    with place_for(executor=executor) as place:
        return place
