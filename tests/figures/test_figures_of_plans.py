"""Figures of plans: what is drawn, and where."""

import numpy as np
import pytest
from examples import example_fit
from matplotlib.figure import Figure

import bayes_scaling as bs
from bayes_scaling import figures
from bayes_scaling.errors import InputError


def panel():
    return Figure(figsize=(6, 4), layout="constrained").add_subplot()


@pytest.fixture(scope="module")
def budgets():
    return bs.plan(example_fit(), flops=["1e22", "1e23"], params="5B")


@pytest.fixture(scope="module")
def target():
    return bs.plan(example_fit(), target_loss=2.1, confidence=0.6)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_valley_shows_the_plan_at_its_regret(budgets):
    ax, each = figures.plot_valley(budgets, 1, ax=panel()), budgets.budgets[1]
    drawn = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 1]
    expected = [each.params, float(each.choice()["regret"].mean())]
    assert any(np.allclose(point[0], expected) for point in drawn)
    assert "the plan" in labels(ax)
    assert "optimal size, 90 % credible interval" in labels(ax)
    assert ax.get_xlim()[0] < each.valley.params[0] < each.valley.params[1] < ax.get_xlim()[1]
    with pytest.raises(InputError, match="2 budgets"):
        figures.plot_valley(budgets, 2)


@pytest.mark.parametrize("quantity", ["params", "tokens"])
def test_the_path_goes_through_the_plans(budgets, quantity):
    ax = figures.plot_plan_path(budgets, quantity, ax=panel())
    planned = [getattr(each, quantity) for each in budgets.budgets]
    assert any(np.allclose(line.get_ydata(), planned) for line in ax.lines)
    with pytest.raises(InputError, match="unknown quantity"):
        figures.plot_plan_path(budgets, "loss")


def test_the_target_is_where_the_curve_crosses(budgets, target):
    ax = figures.plot_target(target, ax=panel())
    curve = next(line for line in ax.lines if len(line.get_xdata()) > 10)
    at = np.interp(target.target.spend, curve.get_xdata(), curve.get_ydata())
    assert at == pytest.approx(0.6, abs=0.02)
    assert "by the law alone" in labels(ax)
    with pytest.raises(InputError, match="target_loss"):
        figures.plot_target(budgets)


def test_plot_chooses_the_figure(budgets, target):
    assert "size" in budgets.plot(ax=panel()).get_ylabel()
    assert "probability" in target.plot(ax=panel()).get_ylabel()
    one = bs.plan(example_fit(), flops="1e23")
    assert "regret" in one.plot(ax=panel()).get_ylabel()
