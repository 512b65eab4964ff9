"""Scores and reports of the benchmark of learning curves; with the public curves where at hand."""

import json

import numpy as np
import pytest
from scipy.stats import t as student_t

from benchmarks import curves, curves_forms
from benchmarks.curves import DOMAINS, Curve, Drawn, mixed, read_curves, repeat_last, score


def curve(hidden) -> Curve:
    n = len(hidden)
    return Curve(
        domain="IC", task="t", family="f", x=np.array([1.0, 2.0]), loss=np.array([0.9, 0.5]),
        hidden_x=np.arange(3.0, 3.0 + n), hidden_loss=np.asarray(hidden),
    )  # fmt: skip


def test_repeating_the_last_value_is_scored_in_log_loss():
    found = score(curve([0.5, 0.5 * np.exp(-0.2)]), repeat_last(curve([0.5, 0.4])))
    assert found["rmsle"] == pytest.approx(0.2 / np.sqrt(2))
    assert np.isnan(found["log_density"])


def test_densities_are_of_the_loss_and_of_the_mixture_of_draws():
    """A Student-t of log loss around two centres, as a density of the loss it integrates to one."""
    grid = np.exp(np.linspace(-4.0, 3.0, 4001))
    centre = np.array([[-0.8], [-0.5]])
    log_density = student_t.logpdf(np.log(grid), 20, centre, 0.1)
    drawn = Drawn(log_loss=np.repeat(centre, len(grid), axis=1), log_density=log_density)
    each = [
        score(
            curve([loss]),
            Drawn(log_loss=drawn.log_loss[:, [i]], log_density=log_density[:, [i]]).prediction(),
        )
        for i, loss in enumerate(grid)
    ]
    total = np.trapezoid(np.exp([one["log_density"] for one in each]), grid)
    assert total == pytest.approx(1.0, abs=1e-4)
    halves = [Drawn(log_loss=drawn.log_loss[[i]], log_density=log_density[[i]]) for i in (0, 1)]
    np.testing.assert_allclose(mixed(halves).prediction().median, drawn.prediction().median)


def test_repeating_the_last_value_scores_what_was_published(shared_data):
    """92 curves; .0880, .0092, .0072 and .0083 by domain."""
    curves = read_curves(shared_data)
    assert len(curves) == 92
    found = {
        domain: np.mean([score(c, repeat_last(c))["rmsle"] for c in curves if c.domain == domain])
        for domain in DOMAINS
    }
    expected = {"IC": 0.0880, "BB": 0.0092, "LM": 0.0072, "NMT": 0.0083}
    assert found == pytest.approx(expected, abs=5e-5)


def test_seconds_and_published_scores_are_told(monkeypatch, tmp_path):
    x = np.geomspace(1e7, 1e9, 12)
    hidden_x = np.array([2e9, 4e9])
    one = Curve(domain="IC", task="t", family="f", x=x, loss=0.1 + x**-0.3, hidden_x=hidden_x,
                hidden_loss=0.1 + hidden_x**-0.3)  # fmt: skip
    monkeypatch.setattr(curves, "read_curves", lambda _: [one])
    text = curves.run(tmp_path, ["saturating"], 1, tmp_path)
    stored = json.loads((tmp_path / "curves.json").read_text("utf-8"))
    assert stored["wall_seconds"] >= stored["seconds"]["saturating"] > 0
    assert "s in all" in text
    assert "| MCMC on BNSL (published) | 0.0645, 2.921 |" in text


def test_a_form_that_refuses_a_curve_is_marked():
    rows = [
        {"form": form, "domain": domain, "rmsle": 0.02, "log_density": 3.0, "curves": n}
        for form, n in (("memory", 72), ("none", 71))
        for domain in DOMAINS
    ]
    memory, none = curves_forms._report(rows, {}).split("\n")[2:4]
    assert "curves)" not in memory
    assert none.count("0.0200, 3.000 (71 curves)") == len(DOMAINS)
