"""The report: one file, no network, every section, user text escaped, written atomically."""

import base64
import json
import re

import pandas as pd
import pytest
from examples import example_fit, law_fit, untrusted
from pages import SECTIONS, Page

import bayes_scaling as bs
from bayes_scaling.errors import InputError
from bayes_scaling.inference.posterior import NEW_GROUP, Fit
from bayes_scaling.report import facts, render, render_report, write_report
from bayes_scaling.report.page import render_page
from bayes_scaling.report.words import beyond, interval, number

NASTY = "<script>alert(1)</script> & $x_1$"


def nasty() -> Fit:
    """One group by a column, whose names and table are hostile."""
    tree = example_fit(groups=2).tree.copy(deep=True)
    text = tree.attrs
    text["runs_name"] = NASTY
    text["by"] = json.dumps([NASTY])
    fit = Fit(tree)
    for key in ("posterior", "convergence"):
        data = tree[key].to_dataset().assign_coords(group=[NASTY, "_b$"])
        tree[key] = data
    constant = tree["constant_data"].to_dataset()
    labels = constant["group"].astype(str).to_numpy()
    first = labels[0]
    constant["group"] = ("run", [NASTY if label == first else "_b$" for label in labels])
    tree["constant_data"] = constant
    text["levels"] = json.dumps([[NASTY, "_b$"]])
    return fit


@pytest.fixture(
    scope="module", params=["one", "three", "crossed", "nasty", "isoflop", "one variable"]
)
def page(request):
    fit = {
        "one": example_fit,
        "isoflop": lambda: law_fit("isoflop", 3),
        "one variable": lambda: law_fit("saturating", 3, x="tokens"),
        "three": lambda: example_fit(groups=3),
        "crossed": lambda: example_fit(groups=2, crossed=True),
        "nasty": nasty,
    }[request.param]()
    return render_report(fit)


def test_the_page_is_balanced_and_has_every_section_in_order(page):
    parsed = Page(page)
    there = [each for each in parsed.ids if each in SECTIONS]
    some = ("groups", "planner")
    assert there == [each for each in SECTIONS if each not in some or each in there]
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert page.lstrip().startswith("<!DOCTYPE html>")


def test_nothing_is_loaded_from_elsewhere(page):
    parsed = Page(page)
    assert parsed.loads
    assert all(each.startswith("data:image/") for each in parsed.loads)
    assert all(link.startswith("#") for link in parsed.links)
    assert not parsed.tags & {"link", "iframe", "object", "embed"}
    # The planner runs what the page holds, and the policy keeps all of it from the network.
    assert ("script" in parsed.tags) == ("planner" in parsed.ids)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    rest = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "@import" not in rest
    assert "url(" not in rest


def test_pictures_are_whole_and_have_words(page):
    for image in Page(page).images:
        assert len(image["alt"]) > 10
        head, data = image["src"].split(",", 1)
        content = base64.b64decode(data, validate=True)
        assert b"</svg>" in content[-20:] if "svg" in head else content.startswith(b"\x89PNG")


def test_the_file_is_small(page):
    assert len(page) < 5_000_000


def test_user_text_is_escaped():
    page = render_report(nasty())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; $x_1$" in page
    assert NASTY in Page(page).text


def test_the_answer_is_in_plain_words():
    text = Page(render_report(example_fit())).text
    assert "The posterior may be used" in text
    assert "Irreducible loss E = 1." in text
    assert "ten times the compute calls for" in text
    assert "90 % credible intervals" in text
    assert "the loss drifts away from it beyond the runs" in text
    assert "by the law alone" in text
    assert "read them as too narrow there" in beyond(example_fit().law_only())[0]


def test_a_fit_that_must_not_be_used_says_so_first():
    text = Page(render_report(untrusted(example_fit()))).text
    assert text.index("Do not use this posterior") < text.index("Irreducible loss E")
    assert "failed: do not use the posterior" in text


def test_questions_are_answered_in_the_page():
    points = pd.DataFrame({"params": ["70B"], "tokens": ["1.4T"]})
    text = Page(
        render_report(
            example_fit(groups=3), flops="5.76e23", points=points, prob=0.8, group=NEW_GROUP
        )
    ).text
    assert "5.76e23" in text
    assert "Forecasts" in text and "1.4T" in text
    assert "80 % credible intervals" in text
    assert NEW_GROUP in text


def test_points_may_name_their_own_groups():
    fit = example_fit(groups=3)
    points = pd.DataFrame({"params": ["70B"], "tokens": ["1.4T"], "group": [fit.groups[1]]})
    assert "Forecasts" in Page(render_report(fit, points=points, group=fit.groups[0])).text


def test_the_report_shows_how_to_make_it_again():
    fit = example_fit(groups=3)
    text = Page(render_report(fit)).text
    assert fit.tree.attrs["runs_hash"] in text
    assert "by='architecture'" in text
    assert f"seed={fit.seed}" in text
    assert all(version in text for version in fit.versions.values())


def test_the_variable_of_a_law_of_one_is_part_of_the_recipe():
    assert "x='tokens'" in facts.recipe(law_fit("saturating", x="tokens"))
    assert "x=" not in facts.recipe(example_fit())


def test_the_report_of_a_fit_is_always_the_same():
    assert render_report(example_fit()) == render_report(example_fit())


def test_a_report_is_written_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(example_fit(), path) == path
    assert "</html>" in path.read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def broken(*_):
        raise RuntimeError("no pictures today")

    monkeypatch.setattr(render.pictures, "draw_all", broken)
    with pytest.raises(RuntimeError):
        write_report(example_fit(), path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_bad_questions_are_errors(tmp_path):
    with pytest.raises(InputError):
        render_report(example_fit(), prob=1.5)
    with pytest.raises(InputError):
        render_report(example_fit(), flops="a lot")
    with pytest.raises(InputError):
        write_report(example_fit(), tmp_path / "nowhere" / "report.html")


def test_a_law_that_the_page_cannot_compute_has_no_planner():
    page = Page(render_report(law_fit("farseer", n_draws=50)))
    assert "planner" not in page.ids
    assert "The interactive planner cannot compute the law 'farseer'" in page.text


def test_the_path_of_the_runs_does_not_travel():
    tree = example_fit().tree.copy()
    tree.attrs["runs_source"] = "/home/somebody/secret/runs.csv"
    page = render_report(Fit(tree))
    assert "somebody" not in page
    assert "runs.csv" in page


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.34196, 0.3249, 0.3585), "0.342 (0.325 to 0.358)"),
        ((1.8041, 1.7773, 1.8301), "1.804 (1.777 to 1.830)"),
        ((6.0, 0.09, 55.0), "6 (0.09 to 55)"),
        ((1.5e6, 1.2e6, 2e6), "1.50e6 (1.20e6 to 2.00e6)"),
        ((-0.0004, -0.0777, 0.0807), "0.00 (-0.08 to 0.08)"),
    ],
)
def test_intervals_are_written_to_the_digits_they_deserve(values, expected):
    assert interval(*values) == expected


def test_numbers():
    assert [number(v) for v in (0.0, 3.18e-4, 410.7, 1e7)] == ["0", "3.18e-4", "410.7", "1.00e7"]
    assert [number(v) for v in (10383.4, 99999.4)] == ["10383", "99999"]
    assert number(1234.5, 3) == "1234"


def test_the_public_names_are_reached_from_the_package():
    assert bs.report.write_report is write_report


def test_code_in_sentences_is_marked_and_escaped():
    asked = [("keep in mind", "see `fit(<runs>)` & a lone ` of <b>")]
    page = render_page(
        "answer.html",
        {"title": "t", "verdict": {"kind": "pass", "text": ""}, "headline": [], "figures": [],
         "warnings": ["`--at <`"], "tables": [], "notes": ["`--at`"], "asked": asked},
    )  # fmt: skip
    assert "see <code>fit(&lt;runs&gt;)</code> &amp; a lone ` of &lt;b&gt;" in page
    assert "<code>--at</code>" in page
    assert "<li><code>--at &lt;</code></li>" in page
