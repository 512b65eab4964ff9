"""How the benchmark of learning curves scores; with the public curves where they are at hand."""

import numpy as np
import pytest
from scipy.stats import t as student_t

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
