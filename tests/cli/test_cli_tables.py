"""Tables for people, in the width that their terminal has."""

import re

import pytest

from bayes_scaling.cli.output import print_table

HEADS = ["task", "improving", "inverse", "U-shaped", "worse", "score at 120B"]
ROWS = [
    ["isp_pattern_matching", "0.23", "0.37", "0.33", "0.41", "0.192 (0.0099 to 0.838)"],
    ["neqa", "0.32", "0.26", "0.27", "0.33", "0.484 (0.381 to 0.603)"],
]


@pytest.fixture
def shown(monkeypatch, capsys):
    """What a terminal of so many columns shows, line by line."""

    def show(columns, rows=ROWS, **settings):
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", str(columns))
        print_table(HEADS, rows, left=("task",), caption="of a measured score", **settings)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
        return [line.rstrip() for line in plain.splitlines()]

    return show


def test_a_table_that_fits_is_one(shown):
    lines = shown(100)
    assert sum(line.startswith("task") for line in lines) == 1
    assert max(map(len, lines)) <= 100
    assert lines[-2].startswith("of a measured score")


@pytest.mark.parametrize("columns", [50, 60])
def test_columns_follow_each_other_where_words_would_break(shown, columns):
    lines = shown(columns)
    for name, cells in (("task", HEADS[1:]), *((row[0], row[1:]) for row in ROWS)):
        own = [re.split(r"\s{2,}", line) for line in lines if line.startswith(name)]
        assert len(own) > 1
        assert [cell for line in own for cell in line[1:]] == cells
    assert max(map(len, lines)) <= columns
    assert sum("of a measured score" in line for line in lines) == 1
