"""The commands architectures and next, on saved fits."""

import json

import pytest
from examples import example_fit
from pages import Page

import bayes_scaling as bs

SECTIONS = ["answer", "pictures", "numbers", "asked"]


@pytest.fixture(scope="module")
def runs(folder):
    path = folder / "candidates.csv"
    path.write_text("N,D,architecture\n1B,20B,dense\n3B,60B,dense\n1B,20B,experts\n")
    return path


def test_architectures_json_is_the_library_answer(answer, pooled):
    given = answer("architectures", pooled, "--flops", "1e23", "--group", "dense", "--new-group")
    expected = bs.choose_architecture(
        example_fit(groups=3), flops=1e23, group=["dense", bs.NEW_GROUP]
    )
    assert given == json.loads(expected.to_json())
    assert {each["group"] for each in given["groups"]} == {"dense", bs.NEW_GROUP}


def test_architectures_says_its_verdict_first_and_writes_a_page(run, pooled, tmp_path):
    page = tmp_path / "choice.html"
    text = run("architectures", pooled, "--flops", "1e21,1e23", "-o", page).stdout
    best = bs.choose_architecture(example_fit(groups=3), flops=1e21).groups
    assert any(text.startswith(f"At 1e21 FLOPs scale {group}") for group in best)
    assert "P(best)" in text
    assert f"written to {page}" in text
    parsed = Page(page.read_text(encoding="utf-8"))
    assert [each for each in parsed.ids if each in SECTIONS] == SECTIONS
    assert all(each.startswith("data:image/") for each in parsed.loads)
    assert len(parsed.tables["Groups at each budget"]) == 1 + 2 * 3
    # The distance is one, though the fit itself has none.
    assert "There is one point to keep in mind, listed below" in parsed.text


def test_next_json_is_the_library_answer(answer, pooled, runs):
    given = answer("next", pooled, "--goal", "loss@70B,1.4T", "--group", "dense",
                   "--candidates", runs)  # fmt: skip
    keys = ["params", "tokens", "group", "flops", "sd_now", "sd_after", "gain_per_flop", "mc_error"]
    assert [list(row) for row in given] == [keys] * 3
    gains = [row["gain_per_flop"] for row in given]
    assert gains == sorted(gains, reverse=True)
    assert {row["group"] for row in given} == {"dense", "experts"}


def test_next_plans_a_batch_and_writes_a_page(run, answer, plain, tmp_path):
    page = tmp_path / "next.html"
    asked = ("--goal", "optimum@1e24", "--budget", "3e21", "--runs", "2", "--by", "run")
    table = tmp_path / "few.csv"
    table.write_text("params,tokens\n1B,20B\n2B,100B\n5B,40B\n")
    asked = (*asked, "--candidates", table)
    text = run("next", plain, *asked, "-o", page).stdout
    assert text.startswith("Goal: log of the compute-optimal size at 1e24 FLOPs")
    assert "regret saved" in text
    parsed = Page(page.read_text(encoding="utf-8"))
    assert [each for each in parsed.ids if each in SECTIONS] == SECTIONS
    assert len(parsed.tables["Runs of the batch, in order"]) == 3
    assert "of the largest run. The intervals allow" in page.read_text(encoding="utf-8")
    rows = answer("next", plain, *asked)
    assert len(rows) == 2
    assert rows[1]["sd_now"] == pytest.approx(rows[0]["sd_after"])


def test_an_untrusted_fit_ends_with_one(run, distrusted, runs, tmp_path):
    table = tmp_path / "one.csv"
    table.write_text("params,tokens\n1B,20B\n")
    asked = ("next", distrusted, "--goal", "loss@7B,140B", "--candidates", table)
    assert "must not be trusted" in run(*asked, code=1).stderr
    run(*asked, "--accept-problems")


BAD = {
    "one group": (["architectures", "{plain}", "--flops", "1e23"], "two groups or more"),
    "unknown group": (
        ["architectures", "{pooled}", "--flops", "1e23", "--group", "x", "--group", "dense"],
        "unknown group 'x'",
    ),
    "no budget": (["architectures", "{pooled}"], "--flops"),
    "zero budget": (["architectures", "{pooled}", "--flops", "0"], "flops"),
    "page in no folder": (
        ["architectures", "{pooled}", "--flops", "1e23", "-o", "/nowhere/a.html"],
        "cannot write",
    ),
    "page over the fit": (
        ["next", "{plain}", "--goal", "law", "--budget", "1e21", "-o", "{plain}"],
        "file that is read",
    ),
    "no goal": (["next", "{plain}", "--budget", "1e21"], "--goal"),
    "unknown goal": (["next", "{plain}", "--goal", "fame", "--budget", "1e21"], "unknown goal"),
    "no candidates": (["next", "{plain}", "--goal", "loss@7B,140B"], "give a budget"),
    "law of another card": (["next", "{plain}", "--goal", "law", "--budget", "1e21"], "gamma"),
    "choice in one group": (
        ["next", "{plain}", "--goal", "choice@1e23", "--budget", "1e21"],
        "two groups",
    ),
    "missing table": (
        ["next", "{plain}", "--goal", "loss@7B,140B", "--candidates", "none.csv"],
        "no such file",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_wrong_use_is_one_message(what, run, plain, pooled):
    arguments, message = BAD[what]
    result = run(*(a.format(plain=plain, pooled=pooled) for a in arguments), code=2)
    assert message in result.stderr
    assert "Traceback" not in result.output
