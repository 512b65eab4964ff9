"""Risk measures against exact values, and what costs say and refuse."""

import inspect
import tomllib

import numpy as np
import pytest
from scipy.stats import norm

import bayes_scaling as bs
from bayes_scaling.decisions import cost_files
from bayes_scaling.decisions.cost_files import read_costs, with_inference
from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.hardware import get_accelerator
from bayes_scaling.decisions.risk import parse_risk
from bayes_scaling.errors import InputError

N = 1_000_001
FARM = {"name": "h100-sxm", "devices": 1000, "utilisation": 0.4, "price": 2.0}


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.99])
def test_risks_of_a_gaussian(level):
    # The quantiles of a Gaussian at even probabilities: no Monte Carlo error, only that of a grid.
    draws = 2.0 + 0.1 * norm.ppf((np.arange(N) + 0.5) / N)[:, None]
    z = norm.ppf(level)
    expected = {
        "mean": 2.0,
        f"quantile:{level}": 2.0 + 0.1 * z,
        f"cvar:{level}": 2.0 + 0.1 * norm.pdf(z) / (1 - level),
    }
    for text, value in expected.items():
        assert parse_risk(text)(draws) == pytest.approx([value], abs=1e-5)


def test_cvar_counts_a_draw_in_part():
    draws = np.array([3.0, 1.0, 2.0, 4.0])
    assert parse_risk("cvar:0.5")(draws) == pytest.approx(3.5)
    # The worst 30 % of four draws: 1.2 of them.
    assert parse_risk("cvar:0.7")(draws) == pytest.approx((4 + 0.2 * 3) / 1.2)
    assert parse_risk("cvar:0.99")(draws) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "text", ["median", "quantile", "quantile:1", "cvar:-1", "cvar:x", "mean:1"]
)
def test_unknown_risks_say_what_is_known(text):
    with pytest.raises(InputError, match=r"quantile:0\.9"):
        parse_risk(text)


def test_a_risk_reads_back():
    assert str(parse_risk(str(parse_risk("CVaR:0.95")))) == "cvar:0.95"


def test_days_and_money_of_a_known_run():
    costs = read_costs({"hardware": FARM})
    rate = 989.4e12 * 0.4
    assert costs.days(5.76e23) == pytest.approx(5.76e23 / (rate * 1000) / 86400)
    assert costs.money(5.76e23) == pytest.approx(5.76e23 / rate / 3600 * 2.0)
    assert costs.spend_for(costs.money(5.76e23)) == pytest.approx(5.76e23)
    assert costs.flops_in(costs.days(5.76e23)) == pytest.approx(5.76e23)
    assert Costs().money(1e20) is None
    assert Costs().days(1e20) is None


def test_inference_at_a_lower_utilisation_weighs_more():
    inference = {"prompt_tokens": "1T", "output_tokens": "2T", "output_utilisation": 0.1}
    costs = read_costs({"hardware": FARM, "inference": inference, "training": {"active": 0.5}})
    assert costs.inference_flops(1e9) == pytest.approx(2 * 0.5 * 1e9 * 3e12)
    spend = 2 * 0.5 * 1e9 * (1e12 + 4 * 2e12)
    assert costs.spend(np.array(1e9), np.array(1e10)) == pytest.approx(3e19 + spend)


@pytest.mark.parametrize("how", ["as fitted", "added", "removed"])
def test_counting_is_undone(how):
    costs = read_costs({"training": {"embeddings": how}, "inference": {"output_tokens": "1T"}})
    sizes = np.geomspace(1e6, 1e12, 7)
    np.testing.assert_allclose(costs.uncounted(costs.counted(sizes)), sizes, rtol=1e-9)
    spend = costs.spend(sizes, np.full(7, 1e11))
    np.testing.assert_allclose(costs.size_for(spend, 1e11), sizes, rtol=1e-9)


def test_memory_limits_the_size():
    made = {**FARM, "bytes_per_param": 16}
    assert read_costs({"hardware": made}).max_params == pytest.approx(80e9 * 1000 / 16)
    limits = {"max_params": "70B"}
    assert read_costs({"hardware": made, "limits": limits}).max_params == 70e9


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"hardware": {**FARM, "price": 0}}, "hardware.price.*greater than 0"),
        ({"hardware": {**FARM, "utilisation": 1.2}}, "hardware.utilisation.*less than or equal"),
        ({"hardware": {"name": "abacus"}}, "unknown hardware 'abacus'.*h100-sxm"),
        ({"hardware": {"speed": 1}}, "hardware.speed: Extra inputs"),
        ({"limits": {"max_money": "1M"}}, "money needs peak_flops and utilisation and price"),
        ({"hardware": {"price": 2}}, "price of device hours needs peak_flops and utilisation"),
        ({"limits": {"max_days": 3}, "hardware": {"peak_flops": 1e15}}, "utilisation and devices"),
        ({"hardware": {"bytes_per_param": 2}}, "needs memory and devices"),
        ({"limits": {"max_params": "lots"}}, "limits.max_params.*lots"),
        ({"inference": {"output_tokens": -1}}, "inference.output_tokens"),
    ],
)
def test_impossible_costs_are_refused(given, told):
    with pytest.raises(InputError, match=told):
        read_costs(given)


def test_settings_go_before_the_file(tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text(
        '[hardware]\npeak_flops = "1e15"\nmemory = 1e9\ndevices = 8\n[limits]\nmax_params = "7B"\n'
    )
    assert bs.load_costs(path).hardware.devices == 8
    over = bs.load_costs(path, hardware={"name": "a100-80gb", "devices": None})
    assert over.hardware.devices == 8
    assert over.hardware.peak_flops == get_accelerator("A100-80GB").peak_flops
    assert over.limits.max_params == 7e9
    with pytest.raises(InputError, match=r"none\.toml"):
        bs.load_costs(tmp_path / "none.toml")
    path.write_text("[hardware\n")
    with pytest.raises(InputError, match="costs"):
        bs.load_costs(path)


def test_inference_keeps_its_proportion():
    costs = read_costs({"inference": {"prompt_tokens": "1T", "output_tokens": "3T"}})
    more = with_inference(costs, "8T").inference
    assert (more.prompt_tokens, more.output_tokens) == (2e12, 6e12)
    assert with_inference(Costs(), "8T").inference.output_tokens == 8e12
    with pytest.raises(InputError, match="greater than or equal to 0"):
        with_inference(costs, -1)


def test_the_documented_file_is_one():
    shown = inspect.cleandoc(cost_files.__doc__ or "").partition("::\n\n")[2]
    costs = read_costs(tomllib.loads(inspect.cleandoc(shown)))
    assert costs.limits.max_money == 10e6
    assert costs.max_params == 70e9


def test_every_accelerator_has_a_source():
    for each in bs.list_hardware():
        assert len(each.source) > 20
        assert 1e13 < each.peak_flops < 1e16
        assert 8e9 < each.memory < 1e12


def test_inference_counts_by_the_time_that_prompt_and_output_take():
    hardware = {"peak_flops": 1e15, "utilisation": 0.4, "devices": 8}
    served = {"prompt_tokens": 3e12, "output_tokens": 1e12}
    slow = {"prompt_utilisation": 0.2, "output_utilisation": 0.05}
    costs = bs.load_costs(hardware=hardware, inference=served | slow)
    assert costs.inference_weight == pytest.approx(2 * 3e12 + 8 * 1e12)
    # One utilisation of all tokens takes as long.
    assert costs.inference_utilisation == pytest.approx(0.4 * 4e12 / 14e12)
    assert bs.load_costs(hardware=hardware, inference=served).inference_utilisation is None
