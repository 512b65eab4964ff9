"""What N and C count, and choosing rows near the best."""

import numpy as np
import pandas as pd
import pytest

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.runs.budgets import bracketed, budget_index, least_so_far
from bayes_scaling.runs.flops import non_embedding_params


def table(**columns) -> pd.DataFrame:
    n = np.geomspace(3e7, 3e9, 12)
    d = 20 * n * np.tile([0.5, 2.0], 6)
    return pd.DataFrame({"params": n, "tokens": d, "loss": 2 + 30 / n**0.2, **columns})


def test_what_is_counted_is_known_where_it_was_said():
    runs = bs.read_runs(table(), counting="total")
    assert str(runs.counting) == "N total, C 6ND"
    assert "N total" in repr(runs)
    given = bs.read_runs(table(flops=1.3 * 6 * table()["params"] * table()["tokens"]))
    assert str(given.counting) == "N as given, C as given"


def test_params_are_recounted_and_compute_with_them():
    runs = bs.read_runs(table(), counting="total")
    other = runs.count_params("non-embedding")
    np.testing.assert_allclose(other.params, non_embedding_params(runs.params))
    np.testing.assert_allclose(other.flops, 6 * other.params * other.tokens)
    np.testing.assert_allclose(other.table["params_as_read"], runs.params)
    np.testing.assert_allclose(other.count_params("total").params, runs.params, rtol=1e-9)
    assert other.hash != runs.hash


def test_compute_is_counted_as_was_said_until_it_is_converted():
    other = table(flops=1.3 * 6 * table()["params"] * table()["tokens"])
    runs = bs.read_runs(other, counting="total", counting_flops="hoffmann")
    assert str(runs.counting) == "N total, C hoffmann"
    six = runs.count_flops()
    assert str(six.counting) == "N total, C 6ND"
    np.testing.assert_allclose(six.flops, 6 * runs.params * runs.tokens)
    np.testing.assert_allclose(six.table["flops_as_read"], runs.flops)
    assert six.count_flops() is six
    with pytest.raises(InputError, match="'kaplan', but the compute of the table is 6ND"):
        bs.read_runs(table(), counting_flops="kaplan")
    with pytest.raises(InputError, match="'6ND', but the compute of the table is not 6ND"):
        bs.read_runs(other, counting_flops="6ND")
    with pytest.raises(InputError, match="known: 'as given', '6ND'"):
        bs.read_runs(other, counting_flops="7ND")


def test_a_column_of_its_own_goes_before_the_relation():
    own = table(params_non_embedding=0.5 * table()["params"])
    other = bs.read_runs(own, counting="total").count_params("non-embedding")
    np.testing.assert_allclose(other.params, 0.5 * own["params"])


def test_what_is_not_known_is_not_converted():
    with pytest.raises(InputError, match="Say what the table counts"):
        bs.read_runs(table()).count_params("non-embedding")
    with pytest.raises(InputError, match="known: 'as given', 'total'"):
        bs.read_runs(table(), counting="all of them")


def test_budgets_are_clusters_of_compute_within_a_group():
    flops = np.array([1e18, 1.02e18, 3e18, 1e18, 1.04e18])
    group = np.array([0, 0, 0, 1, 1])
    assert list(budget_index(flops, group)) == [0, 0, 1, 2, 2]


def test_only_valleys_with_both_sides_are_bracketed():
    params = np.array([1.0, 2, 3, 1, 2, 3])
    loss = np.array([3.0, 2, 2.5, 3, 2.5, 2])
    assert list(bracketed(params, loss, np.array([0, 0, 0, 1, 1, 1]))) == [True] * 3 + [False] * 3


def test_runs_of_one_budget_are_held_against_its_least_loss_in_any_order():
    flops = np.array([1e18, 1.01e18, 1e18, 1e20])
    loss = np.array([3.0, 2.5, 2.0, 1.5])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        least = least_so_far(flops[order], loss[order], np.zeros(4, dtype=int))
        assert list(least) == list(np.array([2.0, 2.0, 2.0, 1.5])[order])


def test_rows_near_the_best_of_no_more_compute():
    runs = bs.read_runs(table())
    kept = runs.near_best(0.01)
    best = np.minimum.accumulate(runs.loss[np.argsort(runs.flops)])
    expected = runs.loss[np.argsort(runs.flops)] <= 1.01 * best
    assert len(kept) == expected.sum() < len(runs)
    assert "within 0.01 of the least" in kept.selection[0]
    with pytest.raises(InputError, match="isoFLOP valleys need"):
        runs.near_best(0.5, bracketed_only=True)
