"""Causes of the gap between two exponents, from columns that tell of recipes."""

import numpy as np
import pytest
from examples import example_runs, example_study

import bayes_scaling as bs
from bayes_scaling.comparison.causes import CAUSES, FEWEST_RUNS, by_recipe


def recipes(**columns) -> bs.Runs:
    return bs.read_runs(example_runs(n_sizes=6, n_ratios=6).table.assign(**columns))


def causes_told(runs: bs.Runs) -> set[str]:
    return {cause.name for cause in CAUSES if cause.levels(runs)}


def test_levels_are_recipes_that_enough_runs_have():
    half = np.where(np.arange(36) < 18, "long", "short")
    runs = recipes(Warmup=half, hparams="base", lr_schedule=np.arange(36) % 2)
    assert causes_told(runs) == {"warm-up", "decay"}
    long, short = CAUSES[0].levels(runs)
    assert (long.value, short.value) == ("long", "short")
    assert (long.rows == (half == "long")).all()
    few = np.where(np.arange(36) < FEWEST_RUNS - 1, "long", "short")
    assert not causes_told(recipes(warmup=few))
    assert not causes_told(recipes(warmup=np.arange(36)))
    gaps = np.where(np.arange(36) < 18, "long", None)
    assert not causes_told(recipes(warmup=gaps))


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(0.12, "explains some of the gap"), (0.01, "does not explain it"), (0.05, "undecided")],
)
def test_a_recipe_is_compared_with_the_one_of_least_exponent(shift, verdict):
    half = np.arange(36) < 18
    runs = recipes(warmup=np.where(half, "long", "short"))
    rng = np.random.default_rng(1)

    def exponent(rows):
        return rng.normal(0.4 + shift * bool(rows[0]), 0.01, size=2000)

    analyses, untested = by_recipe(runs, exponent)
    study = example_study()
    study.analyses.extend(analyses)
    told = study.table().set_index("analysis")["verdict"]
    assert told["warm-up: long"] == verdict
    assert told["warm-up: short"] == ""
    assert any(
        text.startswith("The coupled law on the 18 runs with warmup 'long'")
        for text in study.verdicts()
    )
    assert set(untested) == {"decay", "tuning"}
    assert "no column decay or lr_schedule" in untested["decay"]
