"""Every shipped card can be asked, by the inputs of its law, and for a plan where it has one."""

import json

import numpy as np
import pandas as pd
import pytest
from examples import law_fit

import bayes_scaling as bs
from bayes_scaling.errors import InputError

CARDS = [card.name for card in bs.list_cards()]
STATISTICS = ["mean", "median", "sd", "lower", "upper", "prob"]
POINT = {
    "params": "1B", "tokens": "20B", "flops": 1.2e20, "flops_min": 6e19, "step": 4e4,
    "batch_tokens": "500k", "unique_tokens": "5B", "aspect_ratio": 60, "pretrained": "yes",
}  # fmt: skip


def asked(fit):
    """Every input of the law; tokens where it has steps of batches."""
    return {name: POINT[name] for name in fit.inputs}


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_forecast_with_the_inputs_of_the_law(card, groups):
    fit = law_fit(card, groups)
    answer = bs.forecast(fit, **asked(fit))
    rows = json.loads(answer.to_json())
    assert [row["group"] for row in rows] == list(fit.groups)
    extra = [name for name in fit.inputs if name not in ("params", "tokens")]
    expected = ["params", "tokens", *extra, "group", *STATISTICS, "counting"]
    assert [list(row) for row in rows] == [expected] * len(rows)
    assert rows[0]["counting"] == fit.counting
    theta = fit.parameters(fit.groups[0])
    at = {name: 1.0 if name == "pretrained" else bs.units.parse_quantity(POINT[name])
          for name in fit.inputs}  # fmt: skip
    loss = fit.law.loss(*at.values(), **{p.name: theta[p.name] for p in fit.law.parameters})
    if fit.card.noise.memory is not None:  # the answer starts from the rows that were seen
        rows = json.loads(bs.forecast(fit.law_only(), **asked(fit)).to_json())
    assert rows[0]["mean"] == pytest.approx(loss.mean(), rel=1e-9)
    noisy = bs.forecast(fit, **asked(fit), observation_noise=True).table()
    assert (noisy["sd"] > answer.table()["sd"]).all()


@pytest.mark.parametrize("card", CARDS)
def test_points_of_a_table_give_the_same(card):
    fit = law_fit(card)
    one = bs.forecast(fit, **asked(fit)).table()
    points = pd.DataFrame({name: [value] * 2 for name, value in asked(fit).items()})
    many = bs.forecast(fit, points).table()
    np.testing.assert_allclose(many["mean"], one["mean"].iloc[0], rtol=1e-12)


@pytest.mark.parametrize("card", CARDS)
def test_an_input_that_is_missing_is_named(card):
    fit = law_fit(card)
    of_size = "params" in fit.inputs and len(fit.inputs) > 1
    given = {"params": "1B"} if fit.inputs != ("params",) else {"tokens": "1B"}
    wanted = "tokens" if of_size else fit.inputs[0]
    with pytest.raises(InputError, match=f"needs .* so give {wanted}"):
        bs.forecast(fit, **given)


@pytest.mark.parametrize(
    ("card", "left_out", "best"),
    [
        ("repeated", "unique_tokens", {"unique_tokens": "20B"}),
        ("transfer", "pretrained", {"pretrained": 1}),
    ],
)
def test_other_inputs_are_at_their_best_unless_given(card, left_out, best):
    fit = law_fit(card)
    size = {"params": "1B", "tokens": "20B"}
    assert left_out in fit.inputs
    plain, told = (bs.forecast(fit, **size, **more).table()["mean"][0] for more in ({}, best))
    assert plain == pytest.approx(told, rel=1e-12)
    worse = {"unique_tokens": "1B"} if card == "repeated" else {"pretrained": "no"}
    assert bs.forecast(fit, **size, **worse).table()["mean"][0] > plain


def test_steps_of_batches_tell_the_tokens():
    fit = law_fit("kaplan-ns")
    row = bs.forecast(fit, params="1B", step=4e4, batch_tokens=5e5).table().iloc[0]
    assert row["tokens"] == 2e10
    assert row["flops"] == 1.2e20
    same = bs.forecast(fit, params="1B", tokens=2e10, batch_tokens=5e5).table().iloc[0]
    assert same["mean"] == pytest.approx(row["mean"], rel=1e-12)


def test_width_and_depth_tell_the_aspect_ratio():
    fit = law_fit("shape")
    size = {"params": "1B", "tokens": "20B"}
    one = bs.forecast(fit, **size, width=2048, depth=16).table()["mean"][0]
    other = bs.forecast(fit, **size, aspect_ratio=128).table()["mean"][0]
    assert one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("x", ["params", "tokens", "step", "flops_min"])
def test_decades_beyond_are_those_of_the_laws_variable(x):
    fit = law_fit("saturating", x=x)
    largest = fit.columns[x].max()
    answer = bs.forecast(fit, **{x: [largest, 100 * largest]})
    assert answer.along == x
    np.testing.assert_allclose(answer.draws["decades_beyond"], [0.0, 2.0], atol=1e-9)
    rows = json.loads(answer.to_json())
    assert rows[1][x] == pytest.approx(100 * largest)
    assert rows[0]["tokens" if x == "params" else "params"] is None


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("card", CARDS)
def test_allocate_or_a_clear_error(card, groups):
    fit = law_fit(card, groups)
    if not fit.law.allocates:
        with pytest.raises(InputError, match="does not say how to split compute"):
            bs.allocate(fit, flops=1e21)
        return
    answer = bs.allocate(fit, flops=[1e20, 1e22])
    table = answer.table()
    assert len(table) == 2 * groups * 6
    assert np.isfinite(table[["mean", "median", "lower", "upper"]].to_numpy()).all()
    rows = json.loads(answer.to_json())
    assert [row["counting"] for row in rows] == [fit.counting] * len(rows)
    sizes, tokens = (answer.draws[name].to_numpy() for name in ("params", "tokens"))
    np.testing.assert_allclose(6 * sizes * tokens, np.broadcast_to(
        answer.draws["flops"].to_numpy(), sizes.shape), rtol=1e-9)  # fmt: skip


def test_what_is_counted_is_said():
    fit = law_fit("chinchilla", counting="non-embedding")
    assert bs.forecast(fit, params="1B", tokens="20B").counting == "N non-embedding, C 6ND"
    assert bs.allocate(fit, flops=1e21).counting == "N non-embedding, C 6ND"


BAD = {
    "idle input": (lambda: bs.forecast(law_fit("chinchilla"), params=1e9, tokens=1e10, step=1e4),
                   "depends on params and tokens, not on step"),
    "idle input of one variable": (
        lambda: bs.forecast(law_fit("saturating"), flops=1e21, unique_tokens=1e9), "not on unique"),
    "pretrained perhaps": (
        lambda: bs.forecast(law_fit("transfer"), params=1e9, tokens=1e9, pretrained="perhaps"),
        "yes or no"),
    "pretrained by half": (
        lambda: bs.forecast(law_fit("transfer"), params=1e9, tokens=1e9, pretrained=0.5),
        "yes or no"),
    "points of nothing": (
        lambda: bs.forecast(law_fit("saturating"), pd.DataFrame({"colour": ["red"]})), "none of"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_questions_say_what_is_allowed(what):
    ask, message = BAD[what]
    with pytest.raises(InputError, match=message):
        ask()
