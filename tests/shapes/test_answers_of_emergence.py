"""Answers about emergence: verdicts, tables, JSON, pictures, what cannot be asked; pass rates."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from emergence_examples import SIZES, SMOOTH, example_emergence, example_scores, example_table

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.figures import plot_emergence, plot_pass_rates, plot_resolution
from bayes_scaling.report import emergence as page_of_emergence
from bayes_scaling.report import render_emergence, write_emergence


@pytest.fixture(scope="module")
def answer():
    return example_emergence()


def test_verdicts_and_sentences(answer):
    verdicts = {each.task.label: each.verdict for each in answer.tasks}
    assert verdicts["break"] == "break"
    assert verdicts["mirage"] == "mirage"
    # Flat at zero: left out of fits of shapes, and taken up here. Nothing emerged.
    assert verdicts["flat"] == "undecided"
    assert answer["break"].sentence.startswith("break 1.00: the error per token bends, near ")
    assert answer["mirage"].sentence.startswith("mirage 0.")
    assert "undecided: a break has probability" in repr(answer)
    with pytest.raises(InputError, match="unknown task 'brake'"):
        answer["brake"]


def test_flat_at_zero_has_a_score_of_its_posterior(answer):
    row = answer.table().set_index("task").loc["flat"]
    assert np.isnan(row["score_observed"])
    assert row["score_lower"] < 0 < row["score_upper"]
    assert row["p_wei"] == 0


def test_the_table(answer):
    table = answer.table().set_index("task")
    assert table["p_break_error"].between(0, 0.05).all()
    assert (table["break_lower"] < table["break_upper"]).all()
    assert table.loc["break", "break_lower"] < 5e9 < table.loc["break", "break_upper"]
    wide = answer.table(prob=0.99).set_index("task")
    assert (wide["score_upper"] > table["score_upper"]).all()


def test_sizes(answer):
    sizes = answer["mirage"].sizes()
    assert list(sizes["scale"]) == list(SIZES)
    # The metric jumps where the smooth one climbs.
    assert sizes["score_median"].iloc[2] < 0.05
    assert sizes["token_accuracy_median"].iloc[2] > 0.1
    assert (np.diff(sizes["token_accuracy_median"]) > 0).all()
    assert (np.diff(sizes["edit_distance_median"]) < 0).all()
    assert (np.diff(sizes["questions_median"]) <= 0).all()
    np.testing.assert_allclose(sizes["score_median"], sizes["measured"], atol=0.08)


def test_larger_test_sets_show_progress_earlier(answer):
    shown = [np.median(answer["mirage"].shown_from(n)) for n in (10, 100, 1000, 10_000)]
    assert (np.diff(shown) < 0).all()
    assert not np.isfinite(answer["flat"].shown_from(2)).all()


def test_json(answer):
    rows = json.loads(answer.to_json())
    assert [row["task"] for row in rows] == ["break", "choice", "flat", "mirage"]
    assert list(rows[0]) == [
        "task", "family", "along", "metrics", "answer_tokens", "verdict", "p_break",
        "p_break_monte_carlo_error", "log_bayes_factor", "break_at", "emergence_score", "wei",
        "sizes", "progress_shown_from", "notes", "text",
    ]  # fmt: skip
    assert list(rows[0]["sizes"][0]) == [
        "params", "measured", "score", "token_accuracy", "edit_distance",
        "questions_to_show_progress", "prob",
    ]  # fmt: skip
    assert rows[2]["emergence_score"]["observed"] is None


def test_figures(answer, tmp_path):
    axes = plot_emergence(answer)
    assert axes.shape == (4, 2)
    assert axes[0, 0].get_title() == "break: break 1.00"
    axes[0, 0].figure.savefig(tmp_path / "emergence.png")
    (legend,) = axes[0, 0].figure.legends
    named = {text.get_text() for text in legend.get_texts()}
    assert {"maybe guesses only: error above", "bands and bars: 90 % credible intervals"} <= named
    assert any(line.get_marker() == "^" and len(line.get_xdata()) for line in axes[3, 1].lines)
    assert plot_emergence(answer, tasks=["flat"]).shape == (1, 2)
    for n in (1, 2, 3, 4):
        figure = plot_emergence(answer, tasks=[each.task.label for each in answer.tasks][:n])[
            0, 0
        ].figure
        figure.canvas.draw()
        wide = figure.legends[0].get_window_extent()
        assert figure.bbox.x0 < wide.x0 < wide.x1 < figure.bbox.x1, n
    with pytest.raises(InputError, match="unknown task 'x'"):
        plot_emergence(answer, tasks=["x"])
    ax = plot_resolution(answer["mirage"])
    assert ax.get_ylabel() == "questions that show progress"
    ax.figure.savefig(tmp_path / "resolution.png")
    plt.close("all")


# -- what cannot be asked


def scores(**changes):
    table = example_scores({"start": 5.0, "exponent": 0.3, "floor": 0.01, "scatter": 0.03,
                            "guess": 1e-4}, n=100)  # fmt: skip
    return table.assign(**changes)


WRONG = {
    "unknown chance": (scores(metric="accuracy", chance=None), {}, "chance level has to be known"),
    "a metric of no token": (scores(metric="f1"), {}, "'f1' does not follow from an error per"),
    "two scales": (scores().iloc[-2:], {}, "2 scales, fewer than 3"),
    "no such task": (scores(), {"answer_tokens": {"sums": 3}}, "unknown task in answer_tokens"),
    "half a token": (scores(), {"answer_tokens": 0.5}, "1 token or more"),
    "words for tokens": (scores(answer_tokens="some"), {}, "answer_tokens holds no number"),
    "no questions": (scores(), {"n_examples": 0}, "n_examples must be a number of questions"),
    "sure of nothing": (scores(), {"sure": 0.4}, "sure must lie between 0.5 and 1"),
    "certain beforehand": (scores(), {"prior_break": 1.0}, "prior_break must lie between 0 and 1"),
    "another scale": (scores(), {"along": "flops"}, "unknown scale 'flops'; known: 'params'"),
    "no interval": (scores(), {"prob": 1.0}, "prob must lie between 0 and 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_questions(case):
    table, settings, text = WRONG[case]
    with pytest.raises(InputError, match=text):
        bs.emergence(table, **settings)


def test_weak_tables_are_answered_with_a_note():
    few = bs.emergence(scores().iloc[:4].drop(columns="n_examples"), n_examples=300)
    notes = " ".join(few.tasks[0].task.notes)
    assert "300 questions are assumed" in notes
    assert "4 sizes say little about breaks" in notes
    assert few.tasks[0].verdict == "undecided"


def test_the_same_answers_are_not_counted_twice():
    twice = pd.concat([scores(), scores(metric="em")])
    answer = bs.emergence(twice)
    assert [metric.name for metric in answer.tasks[0].task.metrics] == ["em"]
    assert "'exact_match' scores the same answers as 'em'" in answer.aside[0]


def test_the_answer_length_of_a_column_is_used():
    answer = bs.emergence(scores(answer_tokens=3))
    assert answer.tasks[0].task.answer_tokens == 3


def test_lower_is_better_by_name():
    table = pd.DataFrame({"task": "qa", "params": ["1B", "2B", "4B"], "value": [0.6, 0.5, 0.1],
                          "metric": "token_edit_distance"})  # fmt: skip
    assert not bs.read_metrics(table).table["higher_is_better"].any()


def test_a_table_of_a_flat_curve_alone_is_answered():
    flat = example_table().query("task == 'flat'")
    (task,) = bs.emergence(flat).tasks
    assert (task.task.label, task.verdict) == ("flat", "undecided")
    assert np.isfinite(task.score_draws).all()


def test_selected_tables_have_selected_flat_curves():
    curves = bs.read_metrics(example_table())
    assert len(bs.emergence(curves.select("task == 'mirage'")).tasks) == 1
    assert len(curves.select("task in ['mirage', 'flat']").excluded) == len(SIZES)


# -- pass rates

FLOPS = np.geomspace(1e19, 1e22, 7)


def pass_rates(*, seed=1, problems=40, attempts=200, exponent=0.15, level=2.0):
    rng = np.random.default_rng(seed)
    hard = np.exp(rng.normal(0, 0.5, problems))
    rate = np.exp(-level * hard[:, None] / hard.mean() * (FLOPS / 1e20) ** -exponent)
    rows = [
        {"task": f"problem {i}", "metric": "pass_rate", "flops": c, "n_examples": attempts,
         "value": rng.binomial(attempts, rate[i, j]) / attempts}
        for i in range(problems) for j, c in enumerate(FLOPS)
    ]  # fmt: skip
    return bs.read_metrics(pd.DataFrame(rows))


def test_the_law_of_pass_rates_is_found_and_continued():
    answer = bs.fit_pass_rates(pass_rates())
    assert answer.problems == 40
    lower, upper = np.quantile(answer.exponent, [0.005, 0.995])
    assert lower < 0.15 < upper
    table = answer.table(["1e20", "1e24"])
    expected = 2.0 * (np.array([1e20, 1e24]) / 1e20) ** -0.15
    assert ((table["lower"] < expected) & (expected < table["upper"])).all()
    # Beyond the data the law may be left behind.
    width = table["upper"] / table["lower"]
    assert width[1] > 1.5 * width[0]
    np.testing.assert_allclose(table["pass_rate"], np.exp(-table["median"]))


def test_estimated_log_rates_are_nearly_unbiased():
    # Means over problems of the expected log, with twenty attempts at rates of a tenth or more.
    answer = bs.fit_pass_rates(pass_rates(seed=3, problems=400, attempts=20, level=1.0))
    truth = (FLOPS / 1e20) ** -0.15
    assert np.abs((answer.neg_log - truth) / answer.error).max() < 4
    assert answer.error.max() < 0.03


def test_pass_rates_say_what_weakens_them():
    curves = pass_rates(attempts=5)
    assert "never passed at the smallest scale" in bs.fit_pass_rates(curves).notes[-1]
    holes = curves.table[~((curves.table["task"] == "problem 3") & (curves.table["flops"] < 2e19))]
    partly = bs.fit_pass_rates(bs.read_metrics(holes.drop(columns=["curve", "bounded"])))
    assert partly.notes[0] == "1 problems lack a scale and are left out"


def test_pass_rates_that_cannot_be_used():
    with pytest.raises(InputError, match="there are no pass rates"):
        bs.fit_pass_rates(bs.read_metrics(scores()))
    rates = pass_rates(attempts=5).table.drop(columns=["curve", "bounded", "n_examples"])
    with pytest.raises(InputError, match="no number of attempts"):
        bs.fit_pass_rates(bs.read_metrics(rates))


def test_pass_rates_as_json_and_figure(tmp_path):
    answer = bs.fit_pass_rates(pass_rates(problems=5))
    found = json.loads(answer.to_json("1e24"))
    assert found["problems"] == 5
    assert found["scales"][-1]["flops"] == 1e24
    assert found["scales"][-1]["measured"] is None
    plot_pass_rates(answer, at="1e24").figure.savefig(tmp_path / "rates.png")
    plt.close("all")


def test_the_page_ranks_tasks_and_says_what_weakens_them(answer, tmp_path):
    page = write_emergence(answer, tmp_path / "page.html").read_text(encoding="utf-8")
    table = answer.table().sort_values("p_break", ascending=False)
    verdicts = page.split("</thead>")[1]
    assert sorted(table["task"], key=lambda name: verdicts.index(f">{name}<")) == [*table["task"]]
    counts = table["verdict"].value_counts()
    assert f"{counts['break']} break, {counts['mirage']} mirage" in page
    assert f"break: {answer['break'].sentence}." in page
    assert page.count("data:image/") == 1
    assert all(text in page for text in answer.aside)


def test_weaknesses_name_a_few_tasks_each():
    table = pd.concat(
        [example_scores(SMOOTH, task=f"t{i}").drop(columns="n_examples") for i in range(5)]
    )
    weaknesses = bs.emergence(table, n_examples=500).weaknesses()
    assert "t0, t1, t2 and 2 more: exact_match: 500 questions are assumed." in weaknesses


def test_a_page_of_many_tasks_draws_those_that_break_first(answer, monkeypatch):
    monkeypatch.setattr(page_of_emergence, "MOST_DRAWN", 3)
    monkeypatch.setattr(page_of_emergence, "MOST", 2)
    page = render_emergence(answer)
    assert page.count("data:image/") == 2
    assert all(f">{each.task.label}<" in page for each in answer.tasks)


def test_a_page_of_pass_rates():
    rates = bs.fit_pass_rates(pass_rates(problems=5))
    page = render_emergence(None, rates=rates, at="1e25")
    assert "<title>Pass rates" in page
    assert "of 5 problems falls as a power of flops" in page
    assert ">1e25<" in page
    with pytest.raises(InputError, match="nothing to write"):
        render_emergence(None)
