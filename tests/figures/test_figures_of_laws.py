"""Every figure of every shipped card: nothing crashes, no panel is empty, labels are the law's."""

import re

import numpy as np
import pytest
from examples import law_fit
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import bayes_scaling as bs
from bayes_scaling import figures
from bayes_scaling.errors import InputError
from bayes_scaling.figures.parameters import tick_number
from bayes_scaling.figures.residuals import against_what, residuals
from bayes_scaling.figures.words import LABELS, wrapped
from bayes_scaling.inference.posterior import NEW_GROUP
from bayes_scaling.inference.separate import separate_estimates
from bayes_scaling.inference.summary import leading_name, reported_names

CARDS = [card.name for card in bs.list_cards()]
ONE_VARIABLE = [card.name for card in bs.list_cards() if len(card.get_law().inputs) == 1]


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def panel():
    return Figure(figsize=(6, 4), layout="constrained").add_subplot()


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def is_whole(*axes):
    """Something is drawn in each, with a label, and the picture can be made."""
    axes[0].figure.canvas.draw()
    return all(map(has_something, axes))


def has_something(ax):
    drawn = [*ax.lines, *ax.collections, *ax.patches]
    assert len(drawn) > 1
    assert ax.has_data()
    assert ax.get_xlabel()
    return True


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_figures_of_a_fit(card, groups):
    fit = law_fit(card, groups)
    assert is_whole(figures.plot_runs(fit, ax=panel()))
    assert is_whole(figures.plot_fit(fit, ax=panel()))
    assert is_whole(figures.plot_pit(fit, ax=panel()))
    assert is_whole(figures.plot_groups(fit, ax=panel()))
    for name in against_what(fit):
        ax = figures.plot_residuals(fit, name, ax=panel())
        assert is_whole(ax)
        assert ax.get_xlabel() == LABELS[name]


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_figures_of_answers(card, groups):
    fit = law_fit(card, groups)
    at = {name: fit.columns[name].max() for name in fit.inputs}
    asked = bs.forecast(fit, **{**at, fit.inputs[0]: [at[fit.inputs[0]], 9 * at[fit.inputs[0]]]})
    ax = figures.plot_forecast(asked, ax=panel())
    assert is_whole(ax)
    assert "beyond the runs" in texts(ax)
    if not fit.law.allocates:
        with pytest.raises(InputError, match="does not say how to split compute"):
            figures.plot_frontier(fit, ax=panel())
        return
    assert is_whole(figures.plot_frontier(fit, ax=panel()))
    plan = bs.allocate(fit, flops=list(np.geomspace(1e20, 1e23, 7)))
    for quantity in ("params", "tokens", "tokens_per_param"):
        assert is_whole(figures.plot_allocation(plan, quantity, ax=panel()))


@pytest.mark.parametrize("card", CARDS)
def test_panels_are_those_of_the_laws_parameters(card):
    fit = law_fit(card, 3)
    names = [p.name for p in fit.law.parameters]
    densities = figures.plot_parameters(fit)
    assert len(densities) == len(reported_names(fit))
    symbols = {p.name: f"${p.latex}$" for p in fit.law.parameters} | {"a": "$a$"}
    assert [ax.get_title() for ax in densities] == [symbols[n] for n in reported_names(fit)]
    assert is_whole(*densities)
    assert all(ax.lines[0].get_ydata().max() > 0 for ax in densities)
    for plot in (figures.plot_trace, figures.plot_rank):
        axes = plot(fit)
        assert len(axes) == len(names) + 2
        assert is_whole(*axes)


@pytest.mark.parametrize("card", CARDS)
def test_every_reported_parameter_can_be_compared_over_groups(card):
    fit = law_fit(card, 3)
    assert leading_name(fit) in reported_names(fit, scales=False)
    alone = separate_estimates(fit) if fit.pooled else None
    for name in reported_names(fit):
        ax = figures.plot_groups(fit, name, separate=alone, ax=panel())
        assert is_whole(ax)
        assert ax.get_xlabel().startswith("$")


def test_what_is_reported_is_the_laws():
    def names(card, **keywords):
        return reported_names(law_fit(card), **keywords)

    assert names("chinchilla") == ["E", "A", "B", "alpha", "beta", "a"]
    assert names("chinchilla", scales=False) == ["E", "alpha", "beta", "a"]
    assert names("isoflop", scales=False) == ["E", "c", "k", "skew", "a"]
    assert names("chinchilla-tied", scales=False) == ["E", "alpha"]
    assert names("saturating", scales=False) == ["E", "alpha"]
    assert names("kaplan-nd", scales=False) == ["alpha_N", "alpha_D", "a"]
    assert leading_name(law_fit("broken")) == "c0"
    assert leading_name(law_fit("chinchilla-tied")) == "alpha"


@pytest.mark.parametrize("x", ["flops", "tokens", "params", "step", "flops_min"])
def test_a_law_of_one_variable_is_drawn_against_it_and_far_beyond(x):
    fit = law_fit("saturating", x=x)
    ax = figures.plot_fit(fit, ax=panel())
    assert ax.get_xlabel() == LABELS[x]
    largest = fit.columns[x].max()
    assert ax.get_xlim()[1] == pytest.approx(100 * largest)
    median = max(ax.lines, key=lambda line: len(line.get_xdata()))
    assert median.get_xdata().max() == pytest.approx(100 * largest)
    draws = bs.forecast(fit, **{x: 100 * largest}).draws["loss"]
    assert median.get_ydata()[-1] == pytest.approx(float(draws.median()), rel=1e-6)
    assert "beyond the runs" in texts(ax)
    shade = next(p for p in ax.patches if p.get_x() > 0)
    assert shade.get_x() == pytest.approx(largest)
    assert figures.plot_residuals(fit, ax=panel()).get_xlabel() == LABELS[x]


@pytest.mark.parametrize("card", ONE_VARIABLE)
def test_a_new_group_of_a_law_of_one_variable_can_be_drawn(card):
    assert is_whole(figures.plot_fit(law_fit(card, 3), group=NEW_GROUP, ax=panel()))


def test_isoflop_runs_are_drawn_in_their_valleys():
    fit = law_fit("isoflop")
    ax = figures.plot_fit(fit, ax=panel())
    assert ax.get_xlabel() == LABELS["params"]
    best = [line for line in ax.lines if line.get_marker() == "D"]
    budgets = fit.data.groupby("budget")["flops"].median().sort_values()
    assert len(best) == len(budgets) > 5
    for line, flops in zip(best, budgets, strict=True):
        # The best size of a budget scatters around the trend by its effects, some 0.3 %.
        trend = np.median(fit.optimum("all runs", np.array([flops]))[0])
        assert line.get_xdata()[0] == pytest.approx(trend, rel=0.05)
    assert is_whole(figures.plot_fit(law_fit("isoflop", 3), group=NEW_GROUP, ax=panel()))


def test_residuals_of_isoflop_runs_leave_out_what_their_budget_explains():
    fit = law_fit("isoflop", 3)
    half = np.quantile(np.abs(residuals(fit)), 0.9)
    # Noise of 0.4 % with six degrees of freedom: 90 % within 0.78 %.
    assert half < 1.0


@pytest.mark.parametrize("card", ["repeated", "shape", "transfer", "kaplan-ns"])
def test_runs_are_moved_to_where_the_lines_are(card):
    fit = law_fit(card)
    ax = figures.plot_fit(fit, ax=panel())
    assert any(fit.law.planned in text for text in texts(ax))
    moved = ax.collections[-1].get_offsets()[:, 1]
    at = {"params": np.log(fit.columns["params"]), "tokens": np.log(fit.columns["tokens"])}
    expected = np.median(fit.law_only().predict("all runs", at), axis=0)
    # Their residuals are what they were: noise of some 0.4 %.
    np.testing.assert_allclose(np.log(moved / expected) * 100, residuals(fit), atol=0.05)
    assert np.abs(fit.data["loss"] / moved - 1).max() > 0.01


def test_runs_of_laws_of_size_and_data_stay_where_they_are():
    fit = law_fit("coupled")
    ax = figures.plot_fit(fit, ax=panel())
    np.testing.assert_array_equal(ax.collections[-1].get_offsets()[:, 1], fit.data["loss"])


def test_long_labels_are_broken_between_words_only():
    text = r"scale of the data transferred (tokens$^{(1 - t_D)}$ params$^{-t_N}$)"
    lines = wrapped(text, 30).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(line.count("$") % 2 == 0 for line in lines)


def test_published_values_outside_the_axes_are_said_to_be():
    axes = figures.plot_parameters(law_fit("power-law"))
    legend = axes[0].figure.axes[-1].get_legend()
    assert "Kaplan et al. 2020\n(beyond the axes)" in [t.get_text() for t in legend.get_texts()]


def test_ticks_are_short_at_every_size():
    values = (0.0004, 0.35, 9876.0, 10400.0, 2e5, 1.35e19, -3e7)
    shown = ["0.0004", "0.35", "9876", "10400", "2e5", "1.35e19", "-3e7"]
    assert [tick_number(value, 0) for value in values] == shown


def test_large_values_of_groups_are_written_at_their_ticks():
    ax = figures.plot_groups(law_fit("broken", 3), "d1", ax=panel())
    ax.figure.canvas.draw()
    assert not ax.xaxis.get_offset_text().get_text()
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert all(re.fullmatch(r"\d(\.\d+)?e1[89]", text) for text in shown)
