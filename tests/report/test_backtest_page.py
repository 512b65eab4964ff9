"""Figures and the page of a back-test."""

import numpy as np
import pytest
from examples import example_backtest
from matplotlib.figure import Figure
from pages import Page

import bayes_scaling as bs
from bayes_scaling import figures
from bayes_scaling.comparison import Backtest
from bayes_scaling.errors import InputError
from bayes_scaling.report import render_backtest, write_backtest

NASTY = "<script>alert(1)</script> & $x_1$"
SECTIONS = ["answer", "pictures", "scores", "methods", "asked"]


def panel():
    return Figure(figsize=(6, 4), layout="constrained").add_subplot()


@pytest.fixture(scope="module")
def nasty():
    made = example_backtest()
    table = made.table.assign(group=made.table["group"].replace("dense", NASTY))
    return Backtest(**{**vars(made), "name": NASTY, "table": table})


@pytest.mark.parametrize("which", ["plain", "nasty"])
def test_the_page_is_balanced_whole_and_loads_nothing(which, nasty):
    page = render_backtest(nasty if which == "nasty" else example_backtest())
    parsed = Page(page)
    assert [each for each in parsed.ids if each in SECTIONS] == SECTIONS
    assert all(link.startswith("#") for link in parsed.links)
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert all(each.startswith("data:image/") for each in parsed.loads)
    assert all(len(image["alt"]) > 10 for image in parsed.images)
    assert not parsed.tags & {"script", "link", "iframe"}
    assert len(page) < 3_000_000
    if which == "nasty":
        assert NASTY in parsed.text


def test_the_page_says_what_the_back_test_found():
    made = example_backtest()
    parsed = Page(render_backtest(made))
    assert all(" ".join(text.split()) in parsed.text for text in made.verdicts())
    assert parsed.column("Scores of each method", "method") == list(made.methods)
    assert len(parsed.tables["Scores of each cut"]) == 1 + 3 * 3 * 2
    assert "cuts" in parsed.text
    assert "0.5, 0.7 along flops" in parsed.text


@pytest.mark.parametrize(
    ("along", "cuts"), [("params", "400M along params"), ("flops", "4e8 along flops")]
)
def test_limits_are_written_as_what_they_are(along, cuts):
    made = example_backtest()
    table = made.table.assign(cut=4e8)
    limited = Backtest(**{**vars(made), "table": table, "cuts": (4e8,), "along": along})
    parsed = Page(render_backtest(limited))
    assert cuts in parsed.text
    assert set(parsed.column("Scores of each cut", "cut")) == {cuts.split()[0]}


def test_doubtful_fits_come_first():
    made = example_backtest()
    counts = {**made.counts, "doubtful": 1}
    text = Page(render_backtest(Backtest(**{**vars(made), "counts": counts}))).text
    assert "do not use the posteriors" in text


def test_a_page_is_written(tmp_path):
    path = write_backtest(example_backtest(), tmp_path / "page.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert bs.report.write_backtest is write_backtest


def test_predictions_are_drawn_beside_what_was_seen(nasty):
    made = example_backtest()
    ax = made.plot("predictions", ax=panel(), method="best-run")
    ax.figure.canvas.draw()
    table = made.table[made.table["method"] == "best-run"]
    points = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections[1::2]])
    assert sorted(points[:, 0]) == pytest.approx(sorted(table["loss"]))
    assert sorted(points[:, 1]) == pytest.approx(sorted(table["median"]))
    assert "90 % interval" in [t.get_text() for t in ax.get_legend().get_texts()]
    figures.plot_predictions(nasty, prob=0.5, ax=panel()).figure.canvas.draw()


def test_coverage_is_drawn_against_distance():
    made = example_backtest()
    ax = made.plot("coverage", ax=panel())
    ax.figure.canvas.draw()
    bins = made.by_distance()
    for method, line in zip(made.methods, ax.lines, strict=False):
        expected = bins.loc[bins["method"] == method, "coverage90"]
        assert line.get_ydata() == pytest.approx(expected.to_numpy())
    assert "as promised" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_what_cannot_be_drawn_is_refused():
    made = example_backtest()
    with pytest.raises(InputError, match="oracle"):
        figures.plot_predictions(made, "oracle")
    with pytest.raises(InputError, match=r"0\.5, 0\.8, 0\.9 or 0\.95"):
        figures.plot_coverage(made, prob=0.7)
    with pytest.raises(InputError, match="kind of plot"):
        made.plot("residuals")
