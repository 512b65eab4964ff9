"""The report of every shipped card: it speaks of the law's own parameters and variables."""

import re

import numpy as np
import pandas as pd
import pytest
from examples import law_fit
from pages import SECTIONS, Page

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.figures.draws import group_draws
from bayes_scaling.inference.posterior import NEW_GROUP
from bayes_scaling.inference.summary import leading_name, reported_names
from bayes_scaling.report import drawing, render_report
from bayes_scaling.report.answers import STEPS
from bayes_scaling.report.headline import headline
from bayes_scaling.report.planner_laws import FORMS
from bayes_scaling.report.words import interval, spread

CARDS = [card.name for card in bs.list_cards()]


@pytest.fixture
def no_pictures(monkeypatch):
    """Pictures are left blank: tests/figures draws every one of them for every card."""
    monkeypatch.setattr(drawing, "_uri", lambda size, draw: "data:image/svg+xml;base64,PC9zdmc+")


pytestmark = pytest.mark.usefixtures("no_pictures")


def page_of(card, groups=1, *, x=None, **asked):
    return Page(render_report(law_fit(card, groups, x=x), **asked))


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_every_section_of_a_report_has_something_to_say(card, groups):
    fit, page = law_fit(card, groups), page_of(card, groups)
    there = [each for each in page.ids if each in SECTIONS]
    # One group of a hierarchical fit has a section that says where a new group comes from.
    absent = {
        *(() if groups > 1 or fit.pooled else ("groups",)),
        *(() if fit.law.name in FORMS else ("planner",)),
    }
    assert there == [each for each in SECTIONS if each not in absent]
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(len(words.split()) > 12 for words in page.sections.values())
    assert all(len(rows) > 1 for name, rows in page.tables.items() if rows)
    assert not re.search(r"\b(nan|None|inf)\b", page.text)
    assert "N as given, C 6ND" in page.sections["answer"]
    named = [name for name in reported_names(fit, scales=False) if name != "a"][:4]
    if groups == 1 or fit.pooled:
        draws = group_draws(fit, NEW_GROUP if groups > 1 else fit.groups[0])
        assert all(f"{name} = {spread(draws[name], 0.9)}" in page.text for name in named)
    assert ("Compute-optimal plans" in page.headings) == fit.law.allocates
    assert ("Forecasts" in page.headings) != fit.law.allocates


@pytest.mark.parametrize("x", ["tokens", "params", "step", "flops", "flops_min"])
def test_the_report_of_a_law_of_one_variable_speaks_of_it(x):
    fit, page = law_fit("saturating", x=x), page_of("saturating", x=x)
    largest = fit.columns[x].max()
    asked = bs.forecast(fit, **{x: [step * largest for step in STEPS]}).table()
    expected = [interval(*row) for row in asked[["median", "lower", "upper"]].to_numpy()]
    assert page.column("Forecasts", "loss") == expected
    assert page.column("Forecasts", "beyond") == ["within", "1.0 decades", "2.0 decades"]
    assert f"to {expected[1]} nats per token" in page.sections["answer"]
    assert "Forecast" in page.headings and "Forecast and allocation" not in page.headings
    about_compute = "compute" in page.sections["answer"] + page.sections["decisions"]
    assert about_compute == (x in ("flops", "flops_min"))
    assert f"x='{x}'" in page.sections["versions"]


def test_budgets_are_forecast_by_a_law_of_compute_and_refused_by_others():
    page = page_of("saturating", x="flops", flops=["1e22", "1e23"])
    assert page.column("Forecasts", "FLOPs") == ["1e22", "1e23"]
    for card, x in (("saturating", "tokens"), ("transfer", None)):
        with pytest.raises(InputError, match="does not say how to split budgets"):
            page_of(card, x=x, flops="1e22")
    with pytest.raises(InputError, match="not both"):
        page_of("saturating", flops="1e22", points=pd.DataFrame({"flops": [1e23]}))


def test_points_of_laws_with_more_inputs_show_them():
    points = pd.DataFrame({"params": ["1B"], "tokens": ["80B"], "unique_tokens": ["10B"]})
    page = page_of("repeated", points=points)
    assert page.column("Forecasts", "different tokens") == ["10B"]
    assert "all tokens new" in page.sections["decisions"]
    points = pd.DataFrame({"params": ["1B"], "tokens": ["80B"], "pretrained": ["no"]})
    assert page_of("transfer", points=points).column("Forecasts", "pre-trained") == ["no"]


def test_points_that_name_the_grouping_column_need_no_group_beside_them():
    points = pd.DataFrame({"params": ["1B"], "tokens": ["80B"], "architecture": ["dense"]})
    page = page_of("chinchilla-hierarchical", 3, points=points, group="experts")
    assert page.column("Forecasts", "group") == ["dense"]
    assert set(page.column("Compute-optimal plans", "group")) == {"experts"}


@pytest.mark.parametrize(
    ("card", "head"),
    [
        ("repeated", "different tokens U"), ("shape", "width over depth"),
        ("kaplan-ns", "batch B (tokens)"), ("transfer", "pre-trained"),
    ],
)  # fmt: skip
def test_inputs_besides_size_and_tokens_are_told(card, head):
    page = page_of(card, 3)
    assert head in page.sections["data"]
    told = page.column("Runs of each group", head)
    assert all(re.fullmatch(r"\S+ (to \S+|of 48 runs)", cell) for cell in told)


def test_isoflop_reports_speak_of_budgets():
    page = page_of("isoflop", 3)
    assert "one valley a budget" in page.sections["fit"]
    assert "at most 3 % above the least" in page.sections["card"]
    assert "Spread between budgets of a group" in page.headings
    assert "spread of k between budgets of a group, on the log scale" in page.sections["card"]
    assert "spread of skew between budgets of a group" in page.sections["card"]
    assert "spread of skew between budgets of a group, on" not in page.sections["card"]


def test_the_headline_says_what_ten_times_the_compute_calls_for():
    (tied,) = headline(law_fit("chinchilla-tied"), 0.9)
    assert (
        "a = 0.5, which the law fixes, so ten times the compute calls for about 3.2 times" in tied
    )
    fit = law_fit("farseer")
    (text,) = headline(fit, 0.9)
    largest = fit.columns["flops"].max()
    params, _ = fit.optimum("all runs", np.array([largest, 10 * largest]))
    assert "at the largest compute of the runs" in text
    assert f"about {np.median(params[:, 1] / params[:, 0]):.2g} times the parameters" in text
    assert "does not say how to split compute" in headline(law_fit("transfer"), 0.9)[0]


def test_groups_are_compared_by_the_laws_leading_parameter():
    fit = law_fit("saturating", 3)
    name = leading_name(fit)
    medians = [np.median(group_draws(fit, group)[name]) for group in fit.groups]
    text = headline(fit, 0.9)[0]
    assert f"the exponent of training compute {name} lies between {min(medians):.3g} (" in text
    assert f" and {max(medians):.3g} (" in text


def test_what_is_counted_is_said_in_every_report():
    page = Page(render_report(law_fit("chinchilla", counting="non-embedding")))
    for section in ("answer", "data", "decisions"):
        assert "N non-embedding, C 6ND" in page.sections[section]
    assert "as given" not in page.sections["answer"]


def test_what_was_tried_stands_with_the_card_and_not_among_the_caveats():
    page, discrepancy = page_of("coupled-informed"), bs.load_card("coupled-informed").discrepancy
    reason, tried = (" ".join(t.split()) for t in (discrepancy.reason, discrepancy.tried))
    sections = {name: " ".join(words.split()) for name, words in page.sections.items()}
    assert {name for name, words in sections.items() if tried in words} == {"card"}
    assert len({name for name, words in sections.items() if reason in words}) > 1
