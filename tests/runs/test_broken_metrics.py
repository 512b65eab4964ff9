"""Tables of scores that cannot be used: each is told what, where, and what to do."""

import numpy as np
import pandas as pd
import pytest
from score_examples import SIZES, table

from bayes_scaling.runs import RunsError, read_metrics

BROKEN = {
    "one size only": (table().query("params > 1e9"), "no curve is left"),
    "all constant": (table(value=0.5), "no curve is left.*with keep_constant=True"),
    "above the ceiling": (table(value=np.linspace(50, 120, 8), chance=25), "found 110, 120"),
    "below zero": (table(value=np.linspace(-0.1, 0.5, 8)), "found -0.1"),
    "mixed units": (
        table(value=[0.3, 40, 45, 60, 55, 50, 44, 40], chance=25),
        "row 0: found 0.3 .* among scores in percent",
    ),
    "half of a curve in fractions": (
        table(value=[0.3, 0.4, 45, 60, 55, 50, 44, 40], chance=25),
        "rows 0, 1: found 0.3, 0.4",
    ),
    "a whole curve in fractions": (
        table(value=[0.3, 0.4, 0.45, 0.6, 55, 50, 44, 40], chance=25),
        "rows 0, 1, 2, 3: found",
    ),
    "chance in the other unit": (
        table(value=table()["value"] * 100, chance=0.25),
        "found 0.25, .* in column chance among scores in percent",
    ),
    "slightly above one": (
        table(value=[0.3, 0.4, 0.8, 1.01, 0.55, 0.5, 0.44, 0.4]).drop(columns="chance"),
        "row 3: found 1.01 in column value, the only score of 'acc' above 1",
    ),
    "slightly above one, chance known": (
        table(value=[0.3, 0.4, 0.8, 1.01, 0.55, 0.5, 0.44, 0.4]),
        r"^error: data frame, row 3: found 1.01 in column value, .*Correct the cell[^\n]*$",
    ),
    "one above one among many": (
        pd.concat([table(task=[f"{i}"] * 4 + [f"{i}b"] * 4, chance=0) for i in range(3)]).assign(
            value=[0.01, 0.02, 0.05, 1.5, *[0.03] * 20]
        ),
        "found 1.5 in column value, the only score of 'acc' above 1: the others look like fraction",
    ),
    "a curve in fractions, chance unknown": (
        table(value=[0.3, 0.4, 0.45, 0.6, 55, 50, 44, 40]).drop(columns="chance"),
        "rows 0, 1, 2, 3: found 0.3, 0.4, 0.45 and the like throughout 'qa', .* look like fraction",
    ),
    "chance of one": (table(chance=1), "found 1 in column chance, so that guessing"),
    "chance of a hundred percent": (
        table(value=table()["value"] * 100, chance=100),
        "found 100 in column chance, so that guessing",
    ),
    "a loss of zero": (
        table(metric="loss", value=[3.2, 2.9, 0, 2.1, 3.0, -1, 2.2, 2.0]),
        "rows 2, 5, column value: found .*0.*-1.*expected a positive number, as losses",
    ),
    "params in millions": (
        table(params=[70, 160, 410, 1000] * 2),
        "column params: the median is 285; .* Are they in millions",
    ),
    "compute in PF-days": (
        table(tokens=3e11, flops=6 * table()["params"] * 3e11 / 8.64e19),
        "column flops: found .* Are they in PF-days",
    ),
    "text for a score": (table(value=["high", *[0.5] * 7]), "found 'high'; expected a number"),
    "no score": (table(value=[np.nan, *np.linspace(0.3, 0.5, 7)]), "an empty cell"),
    "size of zero": (table(params=[0, *SIZES[1:], *SIZES]), "found .*0.*; expected a positive"),
    "infinite size": (table(params=[np.inf, *SIZES[1:], *SIZES]), "expected a finite number"),
    "two chance levels": (table(chance=[0.25, 0.5] * 4), "chance changes within 'qa', 'sum'"),
    "no name": (table(task=["", *["qa"] * 7]), "the name of a task"),
    "no scale": (
        table().drop(columns="params"),
        r"no column for a scale \('params'.* pass params='your column'",
    ),
    "no task": (table().drop(columns="task"), "no column for 'task'.* pass task='your column'"),
    "no value": (table().drop(columns="value"), "no column for 'value'"),
    "names without sizes": (
        table(model="gpt-large").drop(columns="params"),
        "'gpt-large' do not tell it",
    ),
    "no rows": (table().iloc[:0], "no scores, only column names"),
    "two scores a row": (
        table(accuracy=0.4, f1=0.5).drop(columns="value"),
        "'accuracy', 'f1' could each be 'value'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_tables(case):
    given, text = BROKEN[case]
    with pytest.raises(RunsError, match=text):
        read_metrics(given)


def test_all_problems_at_once():
    given = table(value=["high", *[0.5] * 7], params=[7e7, -1, *SIZES[2:], *SIZES])
    with pytest.raises(RunsError) as caught:
        read_metrics(given)
    assert {p.code for p in caught.value.problems} >= {"non-numeric", "non-positive"}


def test_ranges_of_the_cells_that_can_be_read_are_told_with_the_others():
    """Each problem once, and nothing about the unit of cells that are no numbers."""
    given = table(
        value=["high", 1.7, -0.2, np.inf, *[0.5] * 4], params=[7e7, -1, *SIZES[2:], *SIZES],
        stderr=[-0.01, *[0.01] * 7], chance=[0.25] * 4 + [2.0] * 4,
    ).drop(columns="n_examples")  # fmt: skip
    with pytest.raises(RunsError) as caught:
        read_metrics(given, unit="fraction")
    told = [p for p in caught.value.problems if p.severity == "error"]
    assert sorted(p.code for p in told) == [
        "infinite", "non-numeric", "non-positive", "non-positive", "out-of-range", "out-of-range",
    ]  # fmt: skip
    assert "found 1.7, -0.2 in column value" in str(caught.value)
    assert "found 2, 2, 2 in column chance" in str(caught.value)
    with pytest.raises(RunsError, match=r"found 1\.7 in column value, the only score of 'acc'"):
        read_metrics(given.assign(value=["high", 1.7, 0.3, 0.4, *[0.5] * 4]))


def test_a_column_of_sizes_that_is_empty_is_no_size():
    with pytest.raises(RunsError, match="no row has a size; expected a column params"):
        read_metrics(table(params=None, value=table()["value"] * 100, chance=25))
