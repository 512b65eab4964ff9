"""Do intervals hold the truth as often as they say? Long checks, behind the marker.

    uv run pytest -m calibration tests/comparison/test_calibration.py

takes hours on two cores, most of them for cards with groups or budgets, and leaves its figures and
tables in ``out/calibration``.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from examples import example_runs
from matplotlib.figure import Figure
from scipy.stats import kstest, norm

from bayes_scaling.comparison import Calibration, calibrate, calibrate_models, recover
from bayes_scaling.comparison import calibration as module
from bayes_scaling.comparison.calibration_result import FALSE_ALARMS, threshold
from bayes_scaling.errors import InputError, StudyError
from bayes_scaling.inference.card import list_cards, load_card
from bayes_scaling.inference.diagnostics.convergence import RHAT_MAX
from bayes_scaling.inference.sample import Effort
from bayes_scaling.inference.simulate import draw_parameters

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "out" / "calibration"
QUICK = {"engine": "quick", "seed": 5}
BREAKS = {
    "broken": {"c": 0.25, "c1": 0.3},
    "broken-twice": {"c": 0.15, "c1": 0.3, "c2": -0.25},
}

MOST_DOUBTFUL = 0.02
"""Share of fits whose chains may disagree after further attempts."""

KNOWN_DOUBTFUL = {"broken": 0.14, "broken-twice": 0.1, "transfer": 0.09, "kaplan-nd": 0.07}
"""Cards with more: 6, 4, 3 and 2 of 100 fits in benchmarks/results/calibration.json. The share
among 200 other tables may well be twice that by chance; it passes these limits about once in 200
times (a normal approximation to the difference of the two shares)."""


def doubtful_allowed(card: str) -> float:
    return KNOWN_DOUBTFUL.get(card, MOST_DOUBTFUL)


def fake(pit: np.ndarray) -> Calibration:
    return Calibration(pit=xr.Dataset({"nu": ("simulation", pit)}))


@pytest.fixture(scope="module")
def few():
    return calibrate("chinchilla", simulations=12, **QUICK)


def fit_with_another_prior(monkeypatch, **alpha):
    """Fit a card whose prior of alpha is not the one that truths are drawn from."""
    real = module.kept

    def kept(card, *others):
        prior = card.priors["alpha"].model_copy(update=alpha)
        return real(card.model_copy(update={"priors": {**card.priors, "alpha": prior}}), *others)

    monkeypatch.setattr(module, "kept", kept)


def test_uniform_ranks_pass_and_overconfident_ones_do_not():
    rng = np.random.default_rng(0)
    honest = fake(rng.uniform(size=500))
    # A posterior half as wide as it should be puts the truth in its tails.
    overconfident = fake(norm.cdf(2 * rng.standard_normal(500)))
    assert honest.p_values()["nu"] > 0.01
    assert overconfident.p_values()["nu"] < 1e-6
    assert honest.coverage(0.9)["nu"] == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 500))
    assert overconfident.coverage(0.9)["nu"] < 0.7
    assert honest.calibrated()
    assert not overconfident.calibrated()
    assert "NOT calibrated" in repr(overconfident)


def test_a_verdict_allows_for_the_number_of_quantities():
    values = np.linspace(0.18, 1, 100)
    p = kstest(values, "uniform").pvalue
    assert threshold(10) < p < threshold(1) == FALSE_ALARMS
    assert not fake(values).calibrated()
    assert fake(values).calibrated(10)
    assert "10 quantities" in fake(values).verdict(10)


def test_ranks_of_a_right_fit_are_uniform_and_those_of_another_prior_are_not(monkeypatch):
    right = calibrate("chinchilla", simulations=50, **QUICK)
    # Of eight p-values the least is below 0.001 in 0.8 % of such studies.
    assert min(right.p_values().values()) > 0.001
    assert right.calibrated()
    fit_with_another_prior(monkeypatch, median=0.7, sigma=0.1)
    wrong = calibrate("chinchilla", simulations=50, **QUICK)
    name, p = wrong.worst()
    assert name == "theta[g1, alpha]"
    assert p < 1e-9
    assert not wrong.calibrated(1000)
    row = wrong.table().set_index("quantity").loc[name]
    # Truths lie below a posterior that is too high and too narrow.
    assert row["mean_rank"] < 0.3
    assert row["coverage90"] < 0.5


def test_a_posterior_that_ignores_the_runs_is_found_by_its_likelihood(monkeypatch):
    """Draws of the prior, whatever the runs: ranks of parameters are uniform all the same."""

    class Prior:
        handed_over = 0

        def __init__(self, card, design):
            self.card, self.design = card, design

        def sample(self, table, seed):
            rng = np.random.default_rng([seed, 9])
            drawn = [draw_parameters(self.card, self.design, rng) for _ in range(60)]
            posterior = xr.concat(drawn, dim="sample").rename(sample="draw").expand_dims("chain")
            stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((1, 60), bool))})
            tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
            return type("Drawn", (), {"tree": tree}), 1

    monkeypatch.setattr(module, "kept", lambda card, design, *_: Prior(card, design))
    made = calibrate("chinchilla", simulations=25, **QUICK)
    p_values = made.p_values()
    assert p_values.pop("log_likelihood") < 1e-12
    assert min(p_values.values()) > 0.001


def test_the_same_ranks_wherever_they_are_made_and_whatever_is_beside(few):
    with ThreadPoolExecutor(2) as threads:
        elsewhere = calibrate_models(
            ["power-law", "chinchilla"], simulations=12, executor=threads, **QUICK
        )
    xr.testing.assert_identical(elsewhere["chinchilla"].pit, few.pit)
    again = calibrate("chinchilla", simulations=12, engine="quick", seed=6)
    assert not np.any(again.pit["nu"] == few.pit["nu"])


def test_processes_give_the_same_ranks(few):
    made = calibrate("chinchilla", simulations=4, jobs=2, **QUICK)
    xr.testing.assert_identical(made.pit, few.pit.isel(simulation=slice(4)))


def test_a_study_goes_on_and_can_be_extended(few, tmp_path, monkeypatch):
    folder = tmp_path / "study"
    calibrate("chinchilla", simulations=5, resume=folder, **QUICK)
    assert len(list(folder.glob("task-*.json"))) == 5
    done = []
    real = module.draw_parameters

    def counted(card, design, rng):
        done.append(1)
        return real(card, design, rng)

    monkeypatch.setattr(module, "draw_parameters", counted)
    made = calibrate("chinchilla", simulations=12, resume=folder, **QUICK)
    # Seven that were missing, and one that tells the names of what is drawn.
    assert len(done) == 7 + 1
    xr.testing.assert_identical(made.pit, few.pit)
    with pytest.raises(InputError, match=r"another study.*seed"):
        calibrate("chinchilla", simulations=5, resume=folder, engine="quick", seed=6)
    with pytest.raises(InputError, match=r"another study.*model cards"):
        calibrate("coupled", simulations=5, resume=folder, **QUICK)


def test_table_json_and_counts(few):
    table = few.table()
    assert table["quantity"].tolist() == list(few.p_values())
    assert {"theta[g1, alpha]", "nu", "log_likelihood"} <= set(table["quantity"])
    assert table["coverage90_se"].to_numpy() == pytest.approx(np.sqrt(0.09 / 12))
    value = json.loads(few.to_json())
    assert value["simulations"] == few.counts["fits"] == few.simulations == 12
    assert value["ranks"]["nu"] == few.pit["nu"].to_numpy().tolist()
    assert value["calibrated"] is few.calibrated()
    assert "quick engine" in " ".join(value["notes"])


def test_real_runs_give_the_design_and_their_losses_do_not_matter():
    runs = example_runs(2)
    made = calibrate("chinchilla", runs, simulations=3, **QUICK)
    assert made.runs == "example"
    grouped = load_card("chinchilla-hierarchical")
    for given in (None, "architecture"):
        subject = module._subject(grouped, runs, given)
        assert subject.design.groups == ("dense", "experts")


@pytest.mark.parametrize("card", [card.name for card in list_cards()])
def test_every_card_has_runs_to_be_simulated_for(card):
    fitted, design = module.design_of_card(card)
    grouped = load_card(card).pooling is not None and bool(load_card(card).pooling.over)
    assert len(design.groups) == (len(module.SEVERAL_GROUPS) if grouped else 1)
    for i in range(20):
        truth, table = module._simulated(fitted, design, np.random.default_rng(i))
        assert np.all(np.isfinite(table.log_loss))
    # What is ranked: everything that is sampled but effects of single budgets.
    assert set(truth.data_vars) - {name for name, _ in module._ranked(truth)} <= {"budget_effect"}


def test_tables_that_are_no_numbers_are_drawn_again_but_not_for_ever(monkeypatch):
    fitted, design = module.design_of_card("chinchilla")
    losses = iter([np.full(40, np.nan), np.full(40, np.inf), np.zeros(40)])
    monkeypatch.setattr(module, "simulate_log_loss", lambda *_: next(losses))
    _, table = module._simulated(fitted, design, np.random.default_rng(0))
    assert table.log_loss.tolist() == [0.0] * 40
    monkeypatch.setattr(module, "simulate_log_loss", lambda *_: np.full(40, np.nan))
    with pytest.raises(StudyError, match=r"chinchilla.*no finite losses"):
        module._simulated(fitted, design, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"simulations": 0}, "simulations"),
        ({"simulations": 2.5}, "simulations"),
        ({"engine": "fast"}, "fast"),
        ({"by": "architecture"}, "give runs"),
        ({"jobs": 0}, "jobs"),
    ],
)
def test_wrong_settings_are_refused(settings, match):
    with pytest.raises(InputError, match=match):
        calibrate("chinchilla", **{"engine": "quick", **settings})


def test_that_nuts_has_to_fit_is_said_before_it_does(monkeypatch, capsys):
    monkeypatch.setattr(module, "kept", None)
    settings = {**QUICK, "simulations": 1, "progress": True}
    with pytest.raises(StudyError):
        calibrate_models(["chinchilla", "chinchilla-hierarchical"], **settings)
    said = " ".join(capsys.readouterr().err.split())
    assert "cannot fit chinchilla-hierarchical here: it is for one group" in said


def test_cards_must_have_different_names():
    with pytest.raises(InputError, match="two model cards"):
        calibrate_models(["chinchilla", "chinchilla"], engine="quick")
    with pytest.raises(InputError, match="name a model card"):
        calibrate_models([], engine="quick")


def test_the_figure_marks_what_departs():
    rng = np.random.default_rng(0)
    ranks = {"mu": rng.uniform(size=300), "nu": rng.uniform(size=300) ** 2}
    made = Calibration(
        pit=xr.Dataset(
            {name: ("simulation", values) for name, values in ranks.items()}
            | {"theta": (("simulation", "parameter"), rng.uniform(size=(300, 2)))},
            coords={"parameter": ["E", "alpha"]},
        )
    )
    axes = made.plot()
    # The population stands for its groups.
    assert [panel.get_title() for panel in axes] == ["mu", "nu"]
    colours = [panel.lines[-1].get_color() for panel in axes]
    assert colours[0] != colours[1]
    departure = axes[1].lines[-1].get_ydata()
    half = axes[1].patches[0].get_height() / 2
    assert np.abs(departure).max() == pytest.approx(kstest(ranks["nu"], "uniform").statistic)
    assert kstest(ranks["nu"], "uniform").pvalue < threshold(4)
    assert half < np.abs(departure).max()
    panel = Figure().add_subplot()
    with pytest.raises(InputError, match="2 quantities"):
        figure_of(made, [panel])


def figure_of(made, axes):
    from bayes_scaling.figures import plot_calibration

    return plot_calibration(made, ax=axes)


def test_the_doubtful_fits_that_are_known_are_allowed_for():
    stored = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text())
    shares = {
        each["card"]: each["counts"]["doubtful"] / each["simulations"] for each in stored["cards"]
    }
    assert {card for card, share in shares.items() if share > doubtful_allowed(card)} == set()
    # An allowance that nothing asks for any more has to go.
    assert {card for card in KNOWN_DOUBTFUL if shares[card] < MOST_DOUBTFUL} == set()


@pytest.mark.calibration
@pytest.mark.parametrize("card", [card.name for card in list_cards()])
def test_simulation_based_calibration(card):
    """By NUTS, on invented runs; one false alarm in a thousand over all cards together."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    result = calibrate(card, simulations=200, seed=11, resume=FIGURES / f"study_{card}")
    result.plot()[0].figure.savefig(FIGURES / f"sbc_{card}.png", dpi=100)
    result.table().to_csv(FIGURES / f"sbc_{card}.csv", index=False)
    name, p = result.worst()
    assert p > 0.001 / (len(list_cards()) * len(result.quantities)), name
    assert result.counts["doubtful"] <= doubtful_allowed(card) * result.simulations


@pytest.mark.calibration
@pytest.mark.parametrize("card", [card.name for card in list_cards()])
def test_sampling_recovers_the_truths_of_every_law(card):
    """One group of 40 runs, truths half as wild as the priors; of a broken law, with breaks."""
    result = recover(
        card, sizes=(40,), tables=3, widen=0.5, around=BREAKS.get(card), prob=0.999, seed=2,
        effort=Effort(draws=1000, tune=1000),
    )  # fmt: skip
    assert result.fits["max_rhat"].max() <= RHAT_MAX
    assert result.fits["divergences"].sum() == 0
    # Of some 25 intervals: two misses or more have a probability below 0.001.
    assert (~result.intervals["inside"]).sum() <= 1


@pytest.mark.calibration
@pytest.mark.parametrize("spoiled", [0.0, 0.1])
def test_recovery_of_truths_wilder_than_the_priors(spoiled):
    result = recover("chinchilla-hierarchical", tables=50, spoiled=spoiled, seed=1)
    FIGURES.mkdir(parents=True, exist_ok=True)
    coverage = result.coverage()
    coverage.to_csv(FIGURES / f"recovery_spoiled_{spoiled:g}.csv")
    low, high = (0.84, 0.95)
    # sigma is left out of the second set: 10 % of spoiled runs are noise that no sigma describes.
    judged = coverage if spoiled == 0 else coverage.drop("sigma")
    inside = judged["coverage"].between(low, high)
    assert inside.all(), judged[~inside]
