"""Fits of real and simulated tables: the only tests that compile and sample."""

import json

import numpy as np
import pandas as pd
import pytest

import bayes_scaling as bs
from bayes_scaling.errors import FitFileError, InputError
from bayes_scaling.inference.diagnostics.convergence import ESS_MIN, RHAT_MAX

TRUTH = {"E": 1.75, "A": 420.0, "B": 1500.0, "alpha": 0.345, "beta": 0.355}
SIGMA = 0.004


def simulated(n: int = 60, seed: int = 0, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    flops = 10 ** rng.uniform(18, 21.5, n)
    ratio = 10 ** rng.uniform(0.3, 2.3, n)
    params, tokens = np.sqrt(flops / 6 / ratio), np.sqrt(flops / 6 * ratio)
    law = bs.laws.get_law("chinchilla")
    loss = law.loss(params, tokens, **TRUTH) * np.exp(SIGMA * rng.standard_normal(n))
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss, **columns})


@pytest.fixture(scope="module")
def one_group():
    return bs.fit(bs.read_runs(simulated()), model="chinchilla", seed=7, progress=False)


@pytest.fixture(scope="module")
def groups():
    table = simulated(48, seed=2, architecture=np.repeat(["a", "b", "c", "d"], 12))
    table["loss"] *= np.where(table["architecture"] == "b", 1.05, 1.0)
    return bs.fit(
        bs.read_runs(table),
        model="chinchilla-hierarchical",
        by="architecture",
        seed=7,
        progress=False,
    )


def test_recovers_the_truth(one_group):
    assert one_group.trusted
    summary = one_group.summary().loc["all runs"]
    for name, truth in TRUTH.items():
        row = summary.loc[name]
        # Four posterior sds and the Monte Carlo error of the mean: one table in 10^4 fails.
        error = 4 * row["sd"] + 4 * row["sd"] / np.sqrt(row["ess_bulk"])
        assert abs(row["mean"] - truth) < error, name
    # Posterior sds near what the noise allows, neither collapsed nor as wide as the prior.
    assert 0.005 < summary.loc["E", "sd"] < 0.1
    assert summary.loc["sigma", "mean"] == pytest.approx(SIGMA, rel=0.5)


def test_every_parameter_has_mixed(one_group, groups):
    for fit in (one_group, groups):
        summary = fit.summary()
        assert (summary["r_hat"] <= RHAT_MAX).all()
        assert (summary[["ess_bulk", "ess_tail"]] >= ESS_MIN).all(axis=None)
        assert fit.diagnostics["divergences"] == 0


def test_the_quick_engine_finds_the_posterior_of_nuts(one_group):
    quick = bs.fit(
        bs.read_runs(simulated()), model="chinchilla", engine="quick", seed=7, progress=False
    )
    assert quick.diagnostics["pareto_k"] < 0.7
    by_nuts, by_quick = (fit.summary().loc["all runs"] for fit in (one_group, quick))
    for name in [*TRUTH, "a", "sigma"]:
        nuts, ours = by_nuts.loc[name], by_quick.loc[name]
        ess = [min(row["ess_bulk"], row["ess_tail"]) for row in (nuts, ours)]
        error = nuts["sd"] * np.sqrt(sum(1 / n for n in ess))
        assert abs(nuts["mean"] - ours["mean"]) < 4 * error, name
        # Of a Normal, the error of a 5 % quantile is 2.1 and that of the sd 0.7 times as large;
        # these have heavier tails.
        for key, factor in (("sd", 1.0), ("lower", 2.1), ("upper", 2.1)):
            assert abs(nuts[key] - ours[key]) < 5 * factor * error, (name, key)


def test_same_seed_same_draws_and_another_seed_others(one_group):
    runs = bs.read_runs(simulated())
    again, other = (bs.fit(runs, model="chinchilla", seed=seed, progress=False) for seed in (7, 8))
    np.testing.assert_array_equal(again.posterior["E"], one_group.posterior["E"])
    assert not np.array_equal(other.posterior["E"], one_group.posterior["E"])
    # The first fit compiled, these did not.
    assert again.seconds["compile"] < 0.1 * one_group.seconds["compile"]


def test_a_saved_fit_loses_nothing(groups, tmp_path):
    path = groups.save(tmp_path / "fit.nc")
    loaded = bs.load_fit(path)
    pd.testing.assert_frame_equal(loaded.summary(), groups.summary())
    assert loaded.card == groups.card
    assert loaded.checks == groups.checks
    assert loaded.reference == groups.reference
    for question in (
        lambda fit: bs.forecast(fit, params="7B", tokens="1T", group=bs.NEW_GROUP),
        lambda fit: bs.allocate(fit, flops="1e23"),
    ):
        pd.testing.assert_frame_equal(question(loaded).table(), question(groups).table())
    assert json.loads(groups.tree.attrs["versions"])["pymc"] == loaded.versions["pymc"]
    point = groups.model.initial_point()
    assert loaded.model.compile_logp()(point) == pytest.approx(groups.model.compile_logp()(point))
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_groups_differ_where_they_do_and_a_new_one_is_wider(groups):
    table = (
        bs.forecast(groups, params="1B", tokens="20B", group=["a", "b", bs.NEW_GROUP])
        .table()
        .set_index("group")
    )
    assert table.loc["b", "mean"] / table.loc["a", "mean"] == pytest.approx(1.05, abs=0.02)
    assert table.loc[bs.NEW_GROUP, "sd"] > 3 * table.loc["a", "sd"]


def test_one_group_knows_no_new_group(one_group):
    with pytest.raises(InputError, match="hierarchical card"):
        bs.forecast(one_group, params="1B", tokens="20B", group=bs.NEW_GROUP)


def test_proportional_runs_are_called_unidentified():
    table = simulated(12, seed=3)
    table["tokens"] = 20 * table["params"]
    law = bs.laws.get_law("chinchilla")
    scatter = np.exp(SIGMA * np.random.default_rng(4).standard_normal(12))
    table["loss"] = law.loss(table["params"], table["tokens"], **TRUTH) * scatter
    fit = bs.fit(bs.read_runs(table), model="chinchilla", draws=500, seed=1, progress=False)
    texts = {check.name: check.text for check in fit.problems()}
    assert "nearly one ratio of tokens to parameters" in texts["identifiability"]
    assert "not identified" in texts["identifiability"]


def test_loo_is_arvizs(one_group):
    import arviz_stats

    theirs = arviz_stats.loo(one_group.tree, pointwise=True, reff=1.0)
    ours = one_group.tree["loo"]
    np.testing.assert_allclose(ours["elpd"], theirs.elpd_i, rtol=1e-6)
    np.testing.assert_allclose(ours["pareto_k"], theirs.pareto_k, atol=1e-6)
    # Probabilities of a lower loss, predicted without the run: uniform for a model that is true.
    assert abs(ours["pit"].to_numpy().mean() - 0.5) < 4 / np.sqrt(12 * one_group.n_runs)


def test_leaving_a_run_out_by_sampling_and_by_weights_agree(one_group, monkeypatch):
    from bayes_scaling.inference.diagnostics import influence

    def moves(k_max):
        monkeypatch.setattr(influence, "PARETO_K_MAX", k_max)
        monkeypatch.setattr(influence, "SHIFT_MAX", 0.0)
        monkeypatch.setattr(influence, "NEWS", 0.0)
        fit = bs.fit(bs.read_runs(simulated()), model="chinchilla", seed=7, progress=False)
        (check,) = (c for c in fit.checks if c.name == "influential runs")
        return {move["row"]: move for move in check.values["runs"]}

    weighted, sampled = moves(np.inf), moves(-np.inf)
    assert len(weighted) == len(sampled) == influence.N_NAMED
    ratio = bs.allocate(one_group, flops=one_group.data["flops"].max()).draws["tokens_per_param"]
    sd = float(np.log(ratio).std())
    for row, move in weighted.items():
        assert move["with"] == pytest.approx(sampled[row]["with"])
        # Means of log ratio from about 1000 effective draws each.
        assert abs(np.log(move["without"] / sampled[row]["without"])) < 6 * sd / np.sqrt(1000)
        assert abs(np.log(move["without"] / move["with"])) > 0.1 * sd


def test_too_few_draws_are_not_trusted():
    fit = bs.fit(
        bs.read_runs(simulated()), model="chinchilla", draws=20, tune=20, chains=2, progress=False
    )
    assert not fit.trusted
    assert fit.diagnostics["attempt"] >= 2
    assert {"effective sample size"} <= {check.name for check in fit.problems()}


def test_pymc_sampler_agrees_with_nutpie(one_group):
    other = bs.fit(
        bs.read_runs(simulated()),
        model="chinchilla",
        sampler="pymc",
        draws=300,
        tune=500,
        chains=2,
        progress=False,
    )
    ours, theirs = (fit.summary().loc["all runs"] for fit in (one_group, other))
    for name in TRUTH:
        error = np.hypot(
            ours.loc[name, "sd"] / np.sqrt(ours.loc[name, "ess_bulk"]),
            theirs.loc[name, "sd"] / np.sqrt(theirs.loc[name, "ess_bulk"]),
        )
        assert abs(ours.loc[name, "mean"] - theirs.loc[name, "mean"]) < 4.5 * error


def test_diagonal_adaptation_agrees_too(one_group):
    other = bs.fit(bs.read_runs(simulated()), model="chinchilla", adaptation="diag", progress=False)
    assert other.trusted
    ours, theirs = (fit.summary().loc[("all runs", "E")] for fit in (one_group, other))
    error = np.hypot(*(s["sd"] / np.sqrt(s["ess_bulk"]) for s in (ours, theirs)))
    assert abs(ours["mean"] - theirs["mean"]) < 4.5 * error


def test_the_245_runs(shared_data):
    """DESIGN's figures for Besiroglu et al.'s reconstruction, all 245 rows."""
    fit = bs.fit(
        bs.read_runs(shared_data / "loss" / "chinchilla_epoch.csv"),
        model="chinchilla",
        progress=False,
    )
    summary = fit.summary().loc["all runs"]
    assert fit.trusted
    assert fit.diagnostics["divergences"] == 0
    assert (summary[["ess_bulk", "ess_tail"]] >= 1000).all(axis=None)
    for name, mean, sd in (("E", 1.805, 0.016), ("alpha", 0.342, 0.010), ("beta", 0.363, 0.010)):
        assert summary.loc[name, "mean"] == pytest.approx(mean, abs=0.25 * sd)
        assert summary.loc[name, "sd"] == pytest.approx(sd, rel=0.15)
    law = bs.laws.get_law("chinchilla")
    published = {one.key: one.values for one in law.published}
    for name, value in published["Besiroglu et al. 2024"].items():
        assert summary.loc[name, "lower"] < value < summary.loc[name, "upper"], name
    assert published["Hoffmann et al. 2022"]["E"] < summary.loc["E", "lower"]


BAD_CALLS = {
    "unknown column": (
        {"by": "colour", "model": "chinchilla-hierarchical"},
        "unknown group column",
    ),
    "three columns": ({"by": ["a", "b", "c"], "model": "chinchilla-hierarchical"}, "one column"),
    "unknown card": ({"model": "kaplan-1999"}, "unknown model"),
    "unknown sampler": ({"sampler": "gibbs"}, "known: 'nutpie', 'pymc', 'numpyro'"),
    "unknown adaptation": ({"adaptation": "dense"}, "known: 'auto', 'low_rank', 'diag'"),
    "no draws": ({"draws": 0}, "draws must be"),
    "one chain": ({"chains": 1}, "chains must be"),
    "acceptance": ({"target_accept": 1.5}, "target_accept"),
    "missing default column": ({"model": "chinchilla-hierarchical"}, "architecture"),
}


@pytest.mark.parametrize("what", BAD_CALLS)
def test_bad_calls_say_what_is_allowed(what):
    arguments, message = BAD_CALLS[what]
    with pytest.raises(InputError, match=message):
        bs.fit(bs.read_runs(simulated(10)), progress=False, **arguments)


@pytest.fixture
def saved(one_group, tmp_path):
    return one_group.save(tmp_path / "fit.nc")


def test_damaged_and_foreign_files_are_refused(saved, tmp_path):
    import xarray as xr

    cut = tmp_path / "cut.nc"
    cut.write_bytes(saved.read_bytes()[:20000])
    text = tmp_path / "text.nc"
    text.write_text("params,tokens,loss\n1,2,3\n")
    foreign = tmp_path / "foreign.nc"
    xr.Dataset({"x": ("t", [1.0, 2.0])}).to_netcdf(foreign, engine="netcdf4")
    for path in (cut, text, foreign, tmp_path / "missing.nc", tmp_path):
        with pytest.raises(FitFileError, match=path.name):
            bs.load_fit(path)


def test_other_formats_are_refused(one_group, tmp_path):
    for found, advice in ((0, "fit the runs again"), (99, "update bayes-scaling")):
        tree = one_group.tree.copy()
        tree.attrs = {**tree.attrs, "format": found}
        path = tmp_path / "fit.nc"
        bs.Fit(tree).save(path)
        with pytest.raises(FitFileError, match=advice):
            bs.load_fit(path)


def test_a_failed_save_leaves_the_old_file(one_group, tmp_path, monkeypatch):
    path = tmp_path / "fit.nc"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(one_group.tree), "to_netcdf", fail)
    with pytest.raises(InputError, match="No space left"):
        one_group.save(path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputError, match="cannot write"):
        one_group.save(tmp_path / "no" / "such" / "folder.nc")
