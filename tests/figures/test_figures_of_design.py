"""Figures of choices between architectures and of next runs."""

import numpy as np
import pandas as pd
import pytest
from examples import example_fit
from matplotlib.figure import Figure

import bayes_scaling as bs
from bayes_scaling import figures


def panel(width=6):
    return Figure(figsize=(width, 4), layout="constrained").add_subplot()


@pytest.fixture(scope="module")
def groups():
    return example_fit(groups=3)


def test_bands_and_probabilities_are_those_of_the_draws(groups):
    answer = bs.choose_architecture(groups, flops=[1e21, 1e23])
    ax = figures.plot_architectures(answer, ax=panel())
    ax.figure.canvas.draw()
    draws = answer.draws
    shown = draws["compute"].to_numpy() <= 1e24
    for i, line in enumerate(ax.lines[: len(answer.groups)]):
        median = draws["curve"].isel(group=i).median("sample").to_numpy()[shown]
        np.testing.assert_allclose(line.get_ydata(), median)
    (inset,) = ax.child_axes
    shares = np.array([line.get_ydata() for line in inset.lines])
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(answer.groups) <= set(labels)
    assert "90 % credible interval" in labels


@pytest.mark.parametrize("width", [3, 8])
def test_chosen_runs_are_numbered(groups, width):
    points = pd.DataFrame({"params": ["1B", "3B", "5B"], "tokens": ["20B", "60B", "20B"]})
    answer = bs.next_runs(groups, points, goal="choice@1e24", group=["dense", "experts"], runs=2)
    ax = figures.plot_next_runs(answer, ax=panel(width))
    ax.figure.canvas.draw()
    places = sum(len(each.get_offsets()) for each in ax.collections)
    assert places == len(answer.ranking) == 6
    numbers = [n for text in ax.texts for n in text.get_text().split(", ")]
    assert sorted(numbers) == ["1", "2"]
