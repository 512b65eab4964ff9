"""Every shipped card: its summary has the law's own parameters, and a file loses nothing."""

import numpy as np
import pandas as pd
import pytest
from examples import law_fit

import bayes_scaling as bs
from bayes_scaling.laws.optimum import best_params

CARDS = [card.name for card in bs.list_cards()]


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_summary_has_the_parameters_of_the_law(card, groups):
    fit = law_fit(card, groups)
    assert fit.trusted, [check.text for check in fit.problems()]
    names = [p.name for p in fit.law.parameters]
    exponents = ["a", "b"] if fit.law.allocates else []
    table = fit.summary()
    for group in fit.groups:
        assert list(table.loc[group].index) == [*names, *exponents, "sigma", "nu"]
    assert np.isfinite(table[["mean", "sd", "median", "lower", "upper"]].to_numpy()).all()
    assert (table["lower"] <= table["median"]).all()
    assert (table["median"] <= table["upper"]).all()


def test_what_a_law_fixes_needs_no_convergence():
    fit = law_fit("chinchilla-tied")
    row = fit.summary().loc[("all runs", "a")]
    assert row["median"] == row["lower"] == row["upper"] == 0.5
    assert np.isnan(row["r_hat"])
    assert fit.trusted
    assert np.isfinite(fit.diagnostics["max_rhat"])


@pytest.mark.parametrize("card", ["isoflop", "transfer", "kaplan-ns"])
def test_a_file_loses_nothing(card, tmp_path):
    fit = law_fit(card, 3)
    loaded = bs.load_fit(fit.save(tmp_path / "fit.nc"))
    pd.testing.assert_frame_equal(loaded.summary(), fit.summary())
    pd.testing.assert_frame_equal(loaded.data, fit.data)
    assert loaded.inputs == fit.inputs
    assert loaded.counting == fit.counting


def test_the_best_size_is_a_number_where_the_loss_overflows_elsewhere():
    def loss(log_params):
        wild = np.where(log_params > 30, np.nan, 0.0)
        return (log_params - 20.0) ** 2 + wild + np.zeros((3, 1))

    best = best_params(loss, np.array([48.0]))
    np.testing.assert_allclose(best, 20.0, atol=1e-5)
