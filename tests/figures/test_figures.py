"""Every public figure: returns Axes with labels, draws into given axes, leaves no trace."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from examples import TRUTH, example_fit
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import bayes_scaling as bs
from bayes_scaling import figures
from bayes_scaling.errors import InputError
from bayes_scaling.figures.words import plain, power_of_ten
from bayes_scaling.inference.posterior import NEW_GROUP, Fit
from bayes_scaling.inference.separate import separate_estimates
from bayes_scaling.laws import get_law

NASTY = ("<script>alert(1)</script> & $x_1$", "_hidden $ and \\frac{", "a" * 80)
BUDGETS = [1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25]


def forecast_of(fit, **keywords):
    return bs.forecast(fit, params=["1B", "70B"], tokens=["20B", "1.4T"], **keywords)


SINGLE = {
    "runs": lambda fit, ax: figures.plot_runs(fit, ax=ax),
    "fit": lambda fit, ax: figures.plot_fit(fit, ax=ax),
    "residuals-params": lambda fit, ax: figures.plot_residuals(fit, "params", ax=ax),
    "residuals-tokens": lambda fit, ax: figures.plot_residuals(fit, "tokens", ax=ax),
    "residuals-flops": lambda fit, ax: figures.plot_residuals(fit, ax=ax),
    "groups": lambda fit, ax: figures.plot_groups(fit, ax=ax),
    "groups-A": lambda fit, ax: figures.plot_groups(fit, "A", ax=ax),
    "forecast": lambda fit, ax: figures.plot_forecast(forecast_of(fit), ax=ax),
    "frontier": lambda fit, ax: figures.plot_frontier(fit, ax=ax),
    "allocation": lambda fit, ax: figures.plot_allocation(bs.allocate(fit, flops=BUDGETS), ax=ax),
    "allocation-few": lambda fit, ax: figures.plot_allocation(
        bs.allocate(fit, flops="1e22"), "tokens_per_param", ax=ax
    ),
    "pit": lambda fit, ax: figures.plot_pit(fit, ax=ax),
}
PANELS = {"parameters": 6, "trace": 7, "rank": 7}


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def renamed(fit: Fit, names: tuple[str, ...]) -> Fit:
    """The fit with other names for its groups."""
    new = dict(zip(fit.groups, names, strict=True))
    tree = fit.tree.copy()
    for key in ("posterior", "convergence"):
        data = tree[key].to_dataset().assign_coords(group=[new[g] for g in fit.groups])
        tree[key] = xr.DataTree(data)
    constant = tree["constant_data"].to_dataset()
    labels = np.array([new[g] for g in constant["group"].to_numpy().astype(str)])
    tree["constant_data"] = xr.DataTree(constant.assign(group=("run", labels)))
    tree.attrs["levels"] = json.dumps([list(names)])
    return Fit(tree)


@pytest.fixture(scope="module", params=["one", "three", "crossed", "nasty"])
def fit(request):
    if request.param == "nasty":
        return renamed(example_fit(groups=3), NASTY)
    return {
        "one": lambda: example_fit(),
        "three": lambda: example_fit(groups=3),
        "crossed": lambda: example_fit(groups=3, crossed=True),
    }[request.param]()


def test_every_public_figure_is_tested_here_or_beside_its_answer():
    here = {f"plot_{name.split('-')[0]}" for name in SINGLE} | {f"plot_{name}" for name in PANELS}
    assert here <= set(figures.__all__)
    others = [p for p in Path(__file__).parents[1].rglob("test_*.py") if p != Path(__file__)]
    texts = "".join(path.read_text(encoding="utf-8") for path in others)
    assert [name for name in set(figures.__all__) - here if f"{name}(" not in texts] == []


@pytest.mark.parametrize("name", SINGLE)
def test_a_figure_draws_into_the_axes_it_is_given_and_labels_them(fit, name):
    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.add_subplot()
    assert SINGLE[name](fit, ax) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel() or len(fit.groups) == 1
    assert ax.has_data()
    figure.canvas.draw()
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", PANELS)
def test_small_multiples_draw_into_the_axes_they_are_given(fit, name):
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots(2, 4).ravel()[: PANELS[name]]
    drawn = getattr(figures, f"plot_{name}")(fit, ax=axes)
    assert list(drawn) == list(axes)
    for ax in drawn:
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.has_data()
    figure.canvas.draw()
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", [*SINGLE, *PANELS])
def test_a_figure_makes_its_own_axes_and_leaves_the_settings_alone(name):
    fit, before = example_fit(), dict(mpl.rcParams)
    made = SINGLE[name](fit, None) if name in SINGLE else getattr(figures, f"plot_{name}")(fit)
    assert all(isinstance(ax, Axes) for ax in np.ravel(np.asarray(made, dtype=object)))
    assert len(plt.get_fignums()) == 1
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", PANELS)
def test_the_wrong_number_of_axes_is_an_error(name):
    axes = Figure().subplots(1, 2)
    with pytest.raises(InputError, match="2 axes"):
        getattr(figures, f"plot_{name}")(example_fit(), ax=axes)


@pytest.mark.parametrize("prob", [0.9, 0.5, 0.8])
def test_intervals_are_labelled_with_their_probability(prob):
    ax = figures.plot_frontier(example_fit(), prob=prob)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert f"{100 * prob:.0f} % credible interval" in texts


def test_what_lies_beyond_the_runs_is_shaded_only_where_there_is_such_a_region():
    def shaded(points):
        ax = figures.plot_forecast(points)
        return "beyond the runs" in [t.get_text() for t in ax.get_legend().get_texts()]

    fit = example_fit()
    assert shaded(forecast_of(fit))
    assert not shaded(bs.forecast(fit, params=["60M", "80M"], tokens="1B"))


def test_answers_plot_themselves():
    fit = example_fit(groups=3)
    assert isinstance(forecast_of(fit).plot(), Axes)
    assert isinstance(bs.allocate(fit, flops=BUDGETS).plot(quantity="tokens"), Axes)


def test_forecasts_of_many_points_and_of_a_new_group():
    fit = example_fit(groups=3)
    many = bs.forecast(fit, params=np.geomspace(1e8, 1e11, 60), tokens="1T", group=NEW_GROUP)
    ax = figures.plot_forecast(many)
    low, high = ax.get_xlim()
    assert low < 6e20 and high > 6e23


def test_published_values_are_marked_at_their_values():
    axes = figures.plot_parameters(example_fit())
    marked = {line.get_xdata()[0] for line in axes[0].lines if len(line.get_xdata()) == 2}
    assert {fit.values["E"] for fit in get_law("chinchilla").published} <= marked


def test_unknown_names_are_errors_that_list_the_known_ones():
    fit = example_fit(groups=3)
    with pytest.raises(InputError, match="beta"):
        figures.plot_groups(fit, "gamma_ray")
    with pytest.raises(InputError, match="tokens"):
        figures.plot_residuals(fit, "loss")
    with pytest.raises(InputError, match="params"):
        figures.plot_allocation(bs.allocate(fit, flops="1e20"), "loss")
    with pytest.raises(InputError):
        figures.plot_fit(fit, group="nobody")
    with pytest.raises(InputError, match="chains"):
        figures.plot_trace(fit, group=NEW_GROUP)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x_1$", r"\$x_1\$"),
        ("_hidden", " _hidden"),
        ("two\nlines", "two lines"),
        ("", "(blank)"),
        ("a" * 20 + "b" * 10, "a" * 15 + "…" + "b" * 8),
    ],
)
def test_user_text_is_made_harmless(text, expected):
    assert plain(text) == expected


def test_compute_is_written_as_a_power_of_ten():
    assert [power_of_ten(v) for v in (1e20, 3e21, 5.76e23)] == ["1e20", "3e21", "5.8e23"]


def test_separate_estimates_are_near_the_truth_and_honest_about_runs():
    fit = example_fit(groups=3)
    alone = separate_estimates(fit)
    assert list(alone["group"].to_numpy()) == list(fit.groups)
    assert alone["n_runs"].to_numpy().tolist() == [20, 20, 20]
    own = alone.sel(group="dense")
    for name in ("E", "alpha", "beta"):
        low, high = (float(own[name].sel(statistic=s)) for s in ("lower", "upper"))
        assert low - 0.5 * (high - low) < TRUTH[name] < high + 0.5 * (high - low)
    xr.testing.assert_identical(alone, separate_estimates(fit))


def test_separate_estimates_are_wider_with_a_larger_probability():
    narrow, wide = (separate_estimates(example_fit(), prob=prob) for prob in (0.5, 0.95))

    def width(each):
        ends = each["alpha"].isel(group=0).sel(statistic=["lower", "upper"]).to_numpy()
        return float(ends[1] - ends[0])

    assert width(wide) > 2 * width(narrow)


def test_a_fit_is_not_changed_by_drawing_it():
    fit = example_fit(groups=3)
    before = fit.tree.copy(deep=True)
    figures.plot_groups(fit)
    figures.plot_rank(fit)
    xr.testing.assert_identical(fit.tree, before)
