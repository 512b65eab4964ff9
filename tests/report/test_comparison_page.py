"""The page of a comparison, and of the study of Kaplan and Chinchilla."""

import numpy as np
import pytest
from examples import counted, example_fit, example_study, law_fit, shifted, untrusted
from pages import Page

import bayes_scaling as bs
from bayes_scaling.comparison import HeldOut, compare
from bayes_scaling.comparison.result import Comparison
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.report import render_comparison, write_comparison

NASTY = "<script>alert(1)</script> & $x_1$"
SECTIONS = ["answer", "scores", "plans", "asked", "data", "laws", "versions"]


def nasty() -> Comparison:
    """Fits whose table and whose names are hostile."""
    tree = example_fit().tree.copy()
    tree.attrs = {**tree.attrs, "runs_name": NASTY}
    return compare({NASTY: Fit(tree), "plain": shifted(Fit(tree), A=1.2)})


def with_held_out(comparison: Comparison) -> Comparison:
    held = HeldOut(elpd=np.array([2.0, 1.0]), error=np.array([-0.01, -0.02]), decades=1.3)
    return Comparison(**{**vars(comparison), "held_out": dict.fromkeys(comparison.fits, held)})


@pytest.fixture(scope="module")
def comparison():
    fit = counted(example_fit(), "N total, C 6ND")
    return with_held_out(compare({"one": fit, "other": shifted(fit, A=1.5)}, flops=["1e22"]))


@pytest.fixture(scope="module", params=["two laws", "nasty", "no plans", "study"])
def page(request, comparison):
    curve = law_fit("learning-curve")
    made = {
        "two laws": lambda: comparison,
        "nasty": nasty,
        "no plans": lambda: compare({"one": curve, "two": shifted(curve, E=1.01)}),
        "study": example_study,
    }[request.param]()
    return render_comparison(made)


def test_the_page_is_balanced_whole_and_loads_nothing(page):
    parsed = Page(page)
    assert [each for each in parsed.ids if each in SECTIONS] == SECTIONS
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert all(link.startswith("#") for link in parsed.links)
    assert all(each.startswith("data:image/") for each in parsed.loads)
    assert all(len(image["alt"]) > 10 for image in parsed.images)
    assert not parsed.tags & {"script", "link", "iframe"}
    assert page.startswith("<!DOCTYPE html>")
    assert len(page) < 3_000_000


def test_sentences_first_then_scores_plans_and_counting(comparison):
    text = Page(render_comparison(comparison)).text
    assert text.index("predicts a run that is left out best") < text.index("stacking weight")
    assert "The sizes that one and other call for" in text
    assert "the 2 of 20 runs with the most compute, up to 1.3 decades beyond the rest" in text
    assert "-1.50 %" in text
    assert "N total, C 6ND" in text
    assert "sizes within a factor of 1.25" in text
    assert comparison.first.tree.attrs["runs_hash"] in text


def test_the_group_of_the_plans_is_named():
    fit = example_fit(groups=3)
    made = compare({"one": fit, "other": shifted(fit, A=1.5)}, flops="1e22", group="experts")
    assert "Exponents and plans are of experts." in Page(render_comparison(made)).text


def test_user_text_is_escaped():
    page = render_comparison(nasty())
    assert "<script" not in page
    assert NASTY in Page(page).text


def test_a_law_that_must_not_be_used_is_named_first():
    fits = {"good": example_fit(), "bad": untrusted(example_fit())}
    text = Page(render_comparison(compare(fits))).text
    assert "Do not use what is said of bad." in text
    assert text.index("Do not use") < text.index("predicts a run")


def test_the_study_has_its_corners_analyses_and_what_it_cannot_show():
    study = example_study()
    text = Page(render_comparison(study)).text
    assert "Chinchilla's corner, gamma near 1" in text
    assert all(each.what in text for each in study.analyses)
    assert "explains some of the gap" in text
    assert text.count("Warm-up cannot be tested with this table.") == 1


def test_a_page_is_written_and_replaces_the_old_one_only_when_done(
    comparison, tmp_path, monkeypatch
):
    path = tmp_path / "page.html"
    path.write_text("old")
    assert write_comparison(comparison, path) == path
    new = path.read_text(encoding="utf-8")
    assert new.rstrip().endswith("</html>")

    def broken(*_, **__):
        raise RuntimeError("no pictures today")

    monkeypatch.setattr("bayes_scaling.report.comparison.picture", broken)
    with pytest.raises(RuntimeError):
        write_comparison(comparison, path)
    assert path.read_text(encoding="utf-8") == new
    assert list(tmp_path.iterdir()) == [path]


def test_the_public_names_are_reached_from_the_package():
    assert bs.report.write_comparison is write_comparison
