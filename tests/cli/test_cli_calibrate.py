"""calibrate: what it passes on, prints and writes."""

import json
import re

import numpy as np
import pytest
import xarray as xr

import bayes_scaling as bs

FAST = ["--engine", "quick", "--simulations", "4", "--quiet"]


def made_up(name, power=1.0):
    """Ranks of a card with one quantity, uniform where the power is 1."""
    values = ((np.arange(200) + 0.5) / 200) ** power
    pit = xr.Dataset({"nu": ("simulation", values)})
    return bs.Calibration(pit=pit, card=name, runs="invented runs", counts={"fits": 200})


@pytest.fixture
def asked(monkeypatch):
    """Replace what samples; the dict holds what it was asked for."""
    given = {}

    def calibrate(cards, runs, **settings):
        given.update(settings, cards=[card.name for card in cards], runs=runs)
        return {card.name: made_up(card.name) for card in cards}

    monkeypatch.setattr("bayes_scaling.calibrate_models", calibrate)
    return given


@pytest.fixture
def crooked(monkeypatch):
    """Chinchilla's card comes out right, and the coupled one does not."""
    made = {"chinchilla": made_up("chinchilla"), "coupled": made_up("coupled", power=2.0)}
    monkeypatch.setattr("bayes_scaling.calibrate_models", lambda *_, **__: made)


def test_settings_reach_the_study(run, asked, table, tmp_path):
    run(
        "calibrate", "chinchilla", "coupled", "--runs", table, "--by", "architecture",
        "--where", "params > 1e8", "--simulations", 9, "--engine", "quick", "--jobs", 3,
        "--resume", tmp_path / "study", "--seed", 7, "--draws", 50, "--tune", 60, "--chains", 3,
        "--quiet",
    )  # fmt: skip
    expected = {
        "cards": ["chinchilla", "coupled"], "by": ["architecture"], "simulations": 9,
        "engine": "quick", "jobs": 3, "scheduler": None, "resume": tmp_path / "study", "seed": 7,
        "progress": False, "effort": bs.Effort(draws=50, tune=60, chains=3),
    }  # fmt: skip
    assert expected.items() <= asked.items()
    assert 0 < len(asked["runs"]) < 40


def test_defaults_and_all_cards(run, asked):
    run("calibrate", "chinchilla")
    assert asked["runs"] is asked["by"] is asked["resume"] is asked["scheduler"] is None
    assert (asked["simulations"], asked["engine"], asked["jobs"]) == (200, "nuts", 1)
    run("calibrate", "--all")
    assert asked["cards"] == [card.name for card in bs.list_cards()]


def test_a_real_study_prints_a_verdict_before_its_table_and_draws_its_figure(run, tmp_path):
    figure = tmp_path / "figure.png"
    given = ["calibrate", "chinchilla", *FAST[:-1], "--accept-problems", "-o", figure]
    text = " ".join(run(*given).stdout.split())
    assert text.startswith("chinchilla: 4 simulations show no departure from calibration")
    assert text.index("11 quantities") < text.index("mean rank")
    assert "theta[g1, alpha]" in text
    assert f"written to {figure}" in text
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_json_of_a_real_study_is_that_of_the_call(answer):
    given = answer("calibrate", "chinchilla", *FAST)
    assert (given["format"], given["quantities"]) == (1, 11)
    (card,) = given["cards"]
    made = bs.calibrate("chinchilla", simulations=4, engine="quick")
    assert card == json.loads(made.to_json())


def test_a_card_that_is_not_calibrated_ends_with_1(run, crooked):
    result = run("calibrate", "chinchilla", "coupled", code=1)
    text = " ".join(result.stdout.split())
    assert "chinchilla: 200 simulations show no departure" in text
    assert "coupled is NOT calibrated" in text
    assert "2 quantities looked at together" in text
    # One line for each card, and the ranks of the one that failed.
    assert len(re.findall(r"coupled, 200 tables of invented runs", text)) == 1
    assert "chinchilla, 200 tables" not in text
    assert "coupled is not calibrated" in result.stderr
    given = json.loads(run("calibrate", "chinchilla", "coupled", "--json", code=1).stdout)
    assert given["calibrated"] is False
    assert [card["calibrated"] for card in given["cards"]] == [True, False]
    run("calibrate", "chinchilla", "coupled", "--accept-problems")


@pytest.mark.parametrize("there", [True, False])
def test_figures_of_several_cards_go_into_a_folder(run, crooked, tmp_path, there):
    folder = tmp_path / "figures"
    if there:
        folder.mkdir()
    run("calibrate", "chinchilla", "coupled", "-o", folder, "--accept-problems")
    assert sorted(path.name for path in folder.iterdir()) == ["chinchilla.png", "coupled.png"]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ([], "name a card"),
        (["chinchila"], "chinchila"),
        (["chinchilla", "--all"], "not both"),
        (["chinchilla", "chinchilla"], "two model cards"),
        (["chinchilla", "--simulations", "0"], "simulations"),
        (["chinchilla", "--engine", "fast"], "fast"),
        (["chinchilla", "--by", "architecture"], "--runs"),
        (["chinchilla", "--where", "params > 1"], "give --runs"),
        (["chinchilla", "--runs", "{folder}/none.csv"], "no such file"),
        (["chinchilla", "--runs", "{table}", "--by", "family"], "'family'"),
        (["repeated", "kaplan-ns", "--runs", "{table}"], "batch_tokens"),
        (["chinchilla", "--jobs", "0"], "jobs must lie"),
        (["chinchilla", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "different places"),
        (["chinchilla", "--resume", "{folder}"], "holds other files"),
        (["chinchilla", "-o", "{folder}/figure.txt"], ".png"),
        (["chinchilla", "-o", "{folder}/no/figure.png"], "cannot write"),
        (["chinchilla", "-o", "{folder}/no/figures"], "cannot write"),
        (["chinchilla", "coupled", "-o", "{folder}/figure.png"], "folder"),
        (["chinchilla", "--draws", "0"], "draws"),
        (["chinchilla", "--seed", "-1"], "seed"),
    ],
)
def test_wrong_uses_end_with_2_and_one_message(run, table, folder, arguments, match):
    before = sorted(path.name for path in folder.iterdir())
    given = [text.format(folder=folder, table=table) for text in arguments]
    result = run("calibrate", *FAST, *given, code=2)
    assert match in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_folder_of_another_study_is_refused(run, tmp_path):
    study = ["calibrate", "chinchilla", *FAST, "--accept-problems", "--resume", tmp_path / "study"]
    run(*study)
    result = run(*study, "--seed", "2", code=2)
    assert "another study" in result.stderr
    assert "seed" in result.stderr
