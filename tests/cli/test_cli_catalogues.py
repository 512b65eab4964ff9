"""data and models: sets of runs and cards."""

import json
import re
import tomllib

import numpy as np
import pytest

import bayes_scaling as bs
from bayes_scaling.inference.prior_predictive import prior_predictive
from bayes_scaling.laws import Reference


def test_data_list(run, answer):
    holds = {entry["name"]: entry["holds"] for entry in answer("data", "list")}
    assert holds["pile-families"] == holds["chinchilla"] == "runs"
    assert holds["known-models"] == "models"
    lines = [line.split() for line in run("data", "list").stdout.splitlines()]
    assert ["known-models", "17", "models"] in [line[:3] for line in lines]


def test_data_show(run, answer):
    assert run("data", "show", "pile-families").stdout.startswith("#")
    shown = answer("data", "show", "pile-families")
    assert shown["n_rows"] > 40
    assert shown["datasheet"].startswith("#")


def test_data_fetch(run, answer, tmp_path):
    copy = tmp_path / "runs.csv"
    assert answer("data", "fetch", "pile-families", "-o", copy)["path"] == str(copy)
    assert bs.read_runs(copy).hash == bs.load_runs("pile-families").hash
    assert run("data", "fetch", "pile-families").stdout.strip().endswith("pile-families.csv")


@pytest.mark.parametrize("reading", [(), ("--keep-suspect",), ("--rename", "loss=train_flops")])
def test_models_cannot_be_fitted(run, tmp_path, reading):
    result = run("fit", "known-models", "-o", tmp_path / "fit.nc", *reading, code=2)
    message = " ".join(result.stderr.split())
    assert "'known-models' is a table of models, not of runs" in message
    assert "load_table('known-models')" in message
    assert not (tmp_path / "fit.nc").exists()


def test_models_are_not_offered_as_runs(run, tmp_path):
    result = run("fit", "known", "-o", tmp_path / "fit.nc", code=2)
    assert "chinchilla-234" in result.stderr
    assert "known-models" not in result.stderr


def test_models_list(run, answer):
    over = {card["name"]: card["pools_over"] for card in answer("models", "list")}
    assert over["chinchilla"] == []
    assert over["chinchilla-hierarchical"] == ["architecture"]
    assert "pools over" in run("models", "list").stdout


def test_models_show_gives_reasons_toml_and_json(run, answer):
    text = " ".join(run("models", "show", "chinchilla-hierarchical").stdout.split())
    assert "Irreducible loss as a share" in text
    assert "spread of alpha" in text
    toml = tomllib.loads(run("models", "show", "chinchilla", "--toml").stdout)
    assert toml["priors"]["E"] == answer("models", "show", "chinchilla")["priors"]["E"]


@pytest.mark.parametrize("card", [card.name for card in bs.list_cards()])
def test_shipped_cards_expect_no_absurd_losses(run, answer, card):
    given = answer("models", "check", card)
    assert given["passed"] is True
    assert given["absurd_share"] < 0.05
    assert [row["which"] for row in given["loss"]] == ["smallest", "largest"]
    law = bs.load_card(card).get_law()
    assert {parameter.name for parameter in law.parameters} <= set(given["parameters"])
    assert ("a" in given["parameters"]) == law.allocates
    assert "90 % interval" in run("models", "check", card).stdout


def test_check_fails_a_card_with_absurd_priors(run, tmp_path):
    text = run("models", "show", "chinchilla", "--toml").stdout
    start = text.index("[priors.T_N]")
    wide = re.sub(r"sigma = [0-9.]+", "sigma = 5.0", text[start:], count=1)
    (tmp_path / "card.toml").write_text(text[:start] + wide)
    result = run("models", "check", tmp_path / "card.toml", code=1)
    assert "narrow the priors" in " ".join(result.stdout.split())


def test_check_looks_at_the_runs_that_are_given(answer, table):
    seen = bs.read_runs(table)
    [small, large] = answer("models", "check", "chinchilla", "--runs", table)["loss"]
    assert small["seen"] == seen.loss[np.argmin(seen.flops)]
    assert large["params"] == seen.params[np.argmax(seen.flops)]


def test_prior_predictive_is_reproducible_and_agrees_with_the_law():
    first, second = (prior_predictive("chinchilla", seed=3) for _ in range(2))
    assert np.array_equal(first.relative_loss, second.relative_loss)
    assert np.all(first.relative_loss > 0)
    assert json.loads(first.to_json())["absurd_share"] == first.absurd_share
    # The prior of E is stated as a share of the reference loss.
    runs = bs.load_runs("pile-families")
    reference = Reference.of({"params": np.log(runs.params)}, runs.loss)
    median = bs.load_card("chinchilla").priors["E"].median * reference.loss
    assert first.parameters["E"]["median"] == pytest.approx(median, rel=0.06)


def test_graph(run, answer, tmp_path):
    text = answer("models", "graph", "chinchilla-hierarchical")["mermaid"]
    assert text.startswith("graph TD")
    for name in ("mu", "tau", "theta", "nu", "log_loss"):
        assert f"{name}([" in text
    run("models", "graph", "chinchilla", "-o", tmp_path / "graph.mmd")
    assert (tmp_path / "graph.mmd").read_text().startswith("graph TD")
