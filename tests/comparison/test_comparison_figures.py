"""Figures of comparisons, on invented fits of laws of every kind."""

import numpy as np
import pytest
from examples import law_fit
from matplotlib.figure import Figure

from bayes_scaling import figures
from bayes_scaling.comparison import KaplanOrChinchilla, compare
from bayes_scaling.comparison.kaplan_or_chinchilla_result import Analysis
from bayes_scaling.errors import InputError
from bayes_scaling.figures.words import LABELS
from bayes_scaling.inference.posterior import Fit

ALLOCATING = ["chinchilla", "kaplan-nd", "kaplan-ns", "farseer", "repeated", "shape"]
OTHERS = ["saturating", "transfer"]


def panel():
    return Figure(figsize=(6, 4), layout="constrained").add_subplot()


def as_of_the_same_runs(card):
    """An invented fit that passes for one of the same runs as the others."""
    tree = law_fit(card).tree.copy()
    tree.attrs["runs_hash"] = "the same"
    return Fit(tree)


@pytest.fixture(scope="module")
def comparison():
    return compare({card: as_of_the_same_runs(card) for card in (*ALLOCATING, *OTHERS)})


@pytest.mark.parametrize("quantity", ["params", "tokens", "tokens_per_param", "loss"])
def test_plans_of_laws_that_allocate_are_drawn_to_a_hundred_times_the_compute(comparison, quantity):
    ax = figures.plot_plans(comparison, quantity, ax=panel())
    ax.figure.canvas.draw()
    assert ax.get_ylabel() == LABELS[quantity]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[: len(ALLOCATING)] == ALLOCATING
    assert not set(names) & set(OTHERS)
    medians = [line for line in ax.lines if len(line.get_xdata()) > 10]
    largest = law_fit("chinchilla").columns["flops"].max()
    for card, line in zip(ALLOCATING, medians, strict=True):
        assert line.get_xdata()[-1] == pytest.approx(100 * largest)
        params, tokens = law_fit(card).law_only().optimum("all runs", np.array([100 * largest]))
        values = {"params": params, "tokens": tokens, "tokens_per_param": tokens / params}
        if quantity in values:
            assert line.get_ydata()[-1] == pytest.approx(np.median(values[quantity]))


def test_laws_that_do_not_allocate_have_no_plans_to_draw():
    fits = {card: as_of_the_same_runs(card) for card in OTHERS}
    with pytest.raises(InputError, match="none of the laws says how to split compute"):
        figures.plot_plans(compare(fits))
    with pytest.raises(InputError, match="params"):
        figures.plot_plans(compare(fits), "size")


def test_exponents_of_analyses_are_drawn_in_their_order(comparison):
    rng = np.random.default_rng(1)
    analyses = [
        Analysis(name=name, what=name, a=rng.normal(centre, 0.02, size=2000))
        for name, centre in (("full", 0.5), ("small scale", 0.6), ("as Kaplan et al.", 0.7))
    ]
    study = KaplanOrChinchilla(comparison=comparison, analyses=analyses, untested={}, prob=0.8)
    ax = figures.plot_exponents(study, ax=panel())
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == [a.name for a in analyses]
    intervals = [line.get_xdata() for line in ax.lines[::3]][: len(analyses)]
    for each, drawn in zip(analyses, intervals, strict=True):
        assert drawn == pytest.approx(np.quantile(each.a, [0.1, 0.9]))
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "80 % credible interval" in texts
    assert {"Chinchilla, a = 0.50", "Kaplan, a = 0.73"} <= set(texts)
