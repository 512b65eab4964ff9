"""Scales, trends and their shapes: formulas, limits, one shape each."""

import numpy as np
import pandas as pd
import pytest
from shape_examples import SIZES, example_metrics

from bayes_scaling.errors import CardError, InputError
from bayes_scaling.inference.card import list_cards
from bayes_scaling.resources import resource_dir
from bayes_scaling.runs import read_metrics
from bayes_scaling.shapes import SHAPES, list_shape_cards, load_shape_card
from bayes_scaling.shapes.classify import classify, path
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.scale import ASSUMED_EXAMPLES, MetricScale, latent
from bayes_scaling.shapes.simulate import draw_bends, draw_population, simulate_tasks
from bayes_scaling.shapes.trend import Trend, expected_change, fitted_line

NAN = np.full(3, np.nan)
SEEN = np.linspace(-1, 1, 6)


def trend(slope=0.0, change=0.0, place=0.0, width=0.05, seen=SEEN):
    change, place = np.atleast_1d(change), np.atleast_1d(place)
    return Trend(
        level=np.zeros(1), slope=np.full(1, slope), width=np.full(1, width),
        change=change[None], place=place[None], seen=seen,
    )  # fmt: skip


def test_curves_that_never_change_have_no_shape():
    table = pd.DataFrame({"task": "a", "metric": "em", "params": [1e8, 1e9, 1e10], "value": 0.0})
    with pytest.raises(InputError, match="the score of 'a' never changes"):
        make_shape_design(read_metrics(table, keep_constant=True))


# -- scales


@pytest.mark.parametrize("better", [True, False])
@pytest.mark.parametrize("bounded", [True, False])
def test_scores_come_back_and_up_is_better(better, bounded):
    score = np.array([0.2, 0.4, 0.9])
    scale, z, _ = latent(
        score, NAN, np.full(3, 1e12), np.full(3, 0.25), bounded=bounded, better=better
    )
    assert np.allclose(scale.score(z), score, atol=1e-9)
    assert np.allclose(scale.value(score), z)
    assert (np.diff(z) > 0).all() == better
    assert (np.diff(scale.goodness(z)) > 0).all() == better


def test_chance_is_zero_and_below_it_is_finite():
    score = np.array([0.1, 0.25, 0.5])
    scale, z, _ = latent(score, NAN, np.full(3, 1e12), np.full(3, 0.25), bounded=True, better=True)
    assert z[1] == pytest.approx(0, abs=1e-9)
    assert z[0] < 0
    assert scale.goodness(z) == pytest.approx(score)


def test_sampling_errors():
    score, n = np.array([0.0, 0.5, 1.0]), np.full(3, 100.0)
    scale, z, error = latent(score, NAN, n, NAN, bounded=True, better=True)
    # Half a question of 101 away from the ends; delta method for the middle.
    assert scale.score(z) == pytest.approx([0.5 / 101, 0.5, 100.5 / 101])
    assert error[1] == pytest.approx(0.2)
    assert np.isfinite(error).all()
    # A standard error tells the number of questions, also of scores that have none of their own.
    stated = np.sqrt(score * (1 - score) / 100)
    assert np.allclose(latent(score, stated, NAN, NAN, bounded=True, better=True)[2], error)
    assumed = latent(score, NAN, NAN, NAN, bounded=True, better=True)[2]
    assert assumed[1] == pytest.approx(2 / np.sqrt(ASSUMED_EXAMPLES))
    loss = latent(np.array([2.0, 2.0, 2.0]), np.full(3, 0.02), NAN, NAN, bounded=False,
                  better=False)  # fmt: skip
    assert loss[2] == pytest.approx(0.01)


# -- trends


def test_level_and_slope_are_those_of_least_squares_whatever_the_bend():
    seen = np.array([-1.2, -0.4, 0.1, 0.6, 0.9])
    seen = seen - seen.mean()
    for place in (-0.5, 0.3, 2.0):
        z = trend(slope=0.7, change=-3.0, place=place, seen=seen).at(seen)[0]
        slope, level = np.polyfit(seen, z, 1)
        assert level == pytest.approx(0, abs=1e-9)
        assert slope == pytest.approx(0.7)
    level, slope = fitted_line(seen)
    assert level @ (2 + 3 * seen) == pytest.approx(2)
    assert slope @ (2 + 3 * seen) == pytest.approx(3)


def test_slopes_before_and_after_a_bend_differ_by_the_change():
    x = np.array([-30.0, -29.0, 29.0, 30.0])
    z = trend(slope=-0.5, change=2.0, place=0.2).at(x)[0]
    assert (z[3] - z[2]) - (z[1] - z[0]) == pytest.approx(2.0)


@pytest.mark.parametrize("places", [[-0.2], [-3.0], [0.9], [4.0], [-0.6, 0.5]])
def test_the_start_is_the_slope_before_the_first_bend(places):
    change = np.array([1.5, -0.4])[: len(places)]
    made = Trend.of_start(
        np.array([-0.7]), level=np.zeros(1), width=np.full(1, 0.1), change=change[None],
        place=np.array([places]), seen=SEEN,
    )  # fmt: skip
    z = made.at(np.array([-9.0, -8.0]))[0]
    assert z[1] - z[0] == pytest.approx(-0.7)
    assert made.start == pytest.approx(-0.7)


def test_falls_are_made_good_and_rises_lost():
    change = expected_change(np.array([-8.0, 8.0]), 2.0, 0.25)
    # The corner is rounded by 0.1: less than 0.001 is left of it at 8.
    assert change == pytest.approx([16.0, -2.0], abs=0.003)


def test_a_bend_beyond_the_data_leaves_them_straight_and_the_limit_is_sharp():
    later = trend(slope=-0.5, change=2.0, place=2.0, width=0.01)
    assert later.at(SEEN)[0] == pytest.approx(-0.5 * SEEN, abs=1e-9)
    assert later.at(np.array([3.0]))[0, 0] == pytest.approx(-0.5 * 3 + 2.0 * 1.0)


def test_two_bends_add():
    both = trend(change=[1.0, -2.0], place=[-0.2, 0.5]).at(SEEN)
    apart = trend(change=1.0, place=-0.2).at(SEEN) + trend(change=-2.0, place=0.5).at(SEEN)
    assert np.allclose(both, apart)


# -- shapes

ROPE = 0.01
CURVES = {
    "improving": trend(slope=0.5),
    "flat": trend(slope=0.005),
    "inverse": trend(slope=-0.5),
    "u_shaped": trend(slope=-0.5, change=3.0, place=1.2),
    "inverted_u": trend(slope=0.5, change=-3.0, place=1.2),
    "delayed": trend(change=1.0, place=1.5),
}


def shape_of(curve, stated=3.0, rope=ROPE, scale=None):
    sizes, last = path(curve.seen.min(), curve.last, stated)
    scale = scale or MetricScale(bounded=True, sign=1.0, zero=0.0)
    return SHAPES[classify(scale.goodness(curve.at(sizes)), last, rope)[0]]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_noiseless_curve_has_its_shape(shape):
    assert shape_of(CURVES[shape]) == shape


def test_a_turn_beyond_the_stated_scale_has_not_come_yet():
    assert shape_of(CURVES["u_shaped"], stated=1.1) == "inverse"
    assert shape_of(CURVES["inverted_u"], stated=1.1) == "improving"
    assert shape_of(CURVES["delayed"], stated=1.1) == "flat"


def test_what_makes_no_difference_is_flat():
    assert shape_of(CURVES["u_shaped"], rope=0.9) == "flat"


def test_a_fall_after_a_flat_stretch_is_inverse():
    assert shape_of(trend(change=-1.0, place=1.5)) == "inverse"


def test_of_two_turns_the_later_one_decides():
    # The level is so far from the ends that goodness is nearly straight in it.
    zigzag = np.array([[0.0, 0.3, -0.3, 0.0]])
    assert SHAPES[classify(zigzag, 1, ROPE)[0]] == "u_shaped"
    assert SHAPES[classify(-zigzag, 1, ROPE)[0]] == "inverted_u"


def test_shapes_are_exhaustive_and_mirrored():
    rng = np.random.default_rng(0)
    paths = np.cumsum(rng.normal(0, 0.02, (4000, 12)), axis=1) * rng.uniform(0, 1, (4000, 1))
    codes, mirrored = classify(paths, 6, ROPE), classify(-paths, 6, ROPE)
    assert set(codes) == set(range(len(SHAPES)))
    partner = {"u_shaped": "inverted_u", "inverted_u": "u_shaped", "flat": "flat"}
    for name, other in partner.items():
        assert (codes == SHAPES.index(name)).tolist() == (mirrored == SHAPES.index(other)).tolist()
    # What gets worse without a turn is inverse, be it from the start or late.
    falls = codes == SHAPES.index("inverse")
    rises = np.isin(mirrored, [SHAPES.index(n) for n in ("improving", "delayed")])
    assert (falls == rises).all()


def test_losses_turn_the_other_way():
    scale = MetricScale(bounded=False, sign=-1.0, zero=0.0)
    assert shape_of(trend(slope=0.5), scale=scale) == "improving"
    assert scale.score(np.array([1.0, 2.0]))[0] > scale.score(np.array([1.0, 2.0]))[1]


# -- cards, designs, the model


def test_the_card_is_read_and_stays_out_of_the_cards_of_laws():
    assert [card.name for card in list_shape_cards()] == ["shapes"]
    assert "shapes" not in [card.name for card in list_cards()]


def test_edited_cards(tmp_path):
    text = (resource_dir("models") / "shapes" / "shapes.toml").read_text()
    copy = tmp_path / "mine.toml"
    copy.write_text(text.replace("bends = 1", "bends = 2"))
    assert load_shape_card(copy).bends == 2
    assert load_shape_card(copy).name == "mine"
    copy.write_text(
        text.replace("sigma = 0.05\n", "sigma = -1\n").replace("bends = 1", "bents = 1")
    )
    with pytest.raises(CardError, match="bents") as caught:
        load_shape_card(copy)
    assert "priors.saturation.sigma" in str(caught.value)
    with pytest.raises(CardError, match=r"'shape' \(did you mean 'shapes'\?\); known: 'shapes'"):
        load_shape_card("shape")


def test_a_design_is_centred_and_padded():
    table = example_metrics().table
    table = table.drop(index=table.index[table["curve"] == "flat"][:2])
    design = make_shape_design(read_metrics(table.drop(columns=["curve", "bounded"])), by="family")
    assert design.curves == ("falls", "flat", "jumps", "rises", "turns")
    assert design.there.sum(axis=1).tolist() == [5, 3, 5, 5, 5]
    for x, mask in zip(design.x, design.there, strict=True):
        assert x[mask].mean() == pytest.approx(0, abs=1e-12)
    assert np.isinf(design.gap[:, 0]).all()
    assert design.gap[0, 1:] == pytest.approx(0.5)
    assert design.groups == ("dense",)
    with pytest.raises(InputError, match="unknown scale 'step'; known: 'params'"):
        make_shape_design(example_metrics(), along="step")
    with pytest.raises(InputError, match="no curve has two sizes in tokens"):
        make_shape_design(example_metrics(), along="tokens")
    with pytest.raises(InputError, match="unknown group column 'colour'"):
        make_shape_design(example_metrics(), by="colour")


def checkpoint_metrics():
    """Two tasks: four checkpoints of each of three models, and of one."""
    rows = [
        {"task": task, "model": f"m{n:g}", "params": n, "tokens": d, "n_examples": 500,
         "value": 0.3 + 0.02 * i + 0.07 * j, "metric": "acc", "chance": 0.25}
        for task, sizes in (("one", [2e9]), ("three", [1e8, 4e8, 2e9]))
        for i, n in enumerate(sizes)
        for j, d in enumerate((1e9, 4e9, 2e10, 1e11))
    ]  # fmt: skip
    return read_metrics(pd.DataFrame(rows), checkpoints="all")


def test_checkpoints_follow_those_of_their_own_model():
    metrics = checkpoint_metrics()
    design = make_shape_design(metrics)
    assert (len(metrics), design.along, metrics.scales) == (16, "flops", ("flops", "tokens"))
    assert design.several.tolist() == [False, True]
    assert (design.model[0] == -1).all()
    for i, mask in enumerate(design.there):
        sizes = metrics.table[metrics.table["curve"] == design.curves[i]]
        own = sizes.sort_values("flops", kind="stable").reset_index(drop=True)
        for k in range(mask.sum()):
            before = own.index[(own["params"] == own["params"][k]) & (own.index < k)]
            expected = before[-1] if len(before) else k
            assert design.previous[i, k] == expected
            apart = np.log10(own["flops"][k] / own["flops"][expected]) or np.inf
            assert design.gap[i, k] == pytest.approx(apart)
    models = {(m, n) for m, n in zip(design.model[1], own["model"], strict=True)}
    assert len(models) == len(set(design.model[1])) == 3


def chains_of_sizes():
    table = example_metrics().table
    table = table.drop(index=table.index[table["curve"] == "flat"][:2])
    return read_metrics(table.drop(columns=["curve", "bounded"]))


def a_point(model):
    """Values of all parameters of a model, well inside their supports."""
    rng, point = np.random.default_rng(3), {}
    for rv in model.free_RVs:
        dims = model.named_vars_to_dims.get(rv.name, ())
        point[rv.name] = np.abs(rng.normal(0.4, 0.2, [len(model.coords[d]) for d in dims]))
    return point


def evaluated(graph, model=None, point=None):
    """A graph's value, without a compiler, at a point of a model."""
    from pytensor.compile.mode import Mode

    inputs = {}
    for name, given in (point or {}).items():
        transform = model.rvs_to_transforms[model[name]]
        value = given if transform is None else evaluated(transform.forward(given))
        inputs[model.rvs_to_values[model[name]]] = value
    return graph.eval(inputs, mode=Mode(linker="py", optimizer=None), on_unused_input="ignore")


def trend_at(own, design, i, slope, ratio):
    """The trend of a curve at a point of its model, with another slope and ratio of the change."""
    first = own["change_spread"] * ratio + expected_change(
        slope, own["recovery"], own["saturation"]
    )
    change, place = [first], [design.last[i] + own["first_place"][i]]
    if "gap" in own:
        change.append(own["second_spread"] * own["second_ratio"][i])
        place.append(place[0] + own["gap"][i])
    return Trend(
        level=own["level"][[i]], slope=np.array([slope]), width=own["width"][None],
        change=np.array([change]), place=np.array([place]), seen=design.x[i, design.there[i]],
    )  # fmt: skip


@pytest.mark.parametrize("bends", [1, 2])
def test_tasks_are_draws_of_starts_and_of_changes_given_them(bends):
    """Their log density, with what the coordinates of the sampler cost by finite differences."""
    from scipy.stats import norm

    card = load_shape_card("shapes").model_copy(update={"bends": bends})
    design = make_shape_design(chains_of_sizes())
    model = build_shape_model(card, design)
    own = a_point(model)
    (potential,) = model.potentials
    found = evaluated(model.replace_rvs_by_values([potential])[0], model, own)
    for i in range(len(design.curves)):

        def natural(at, i=i):
            curve = trend_at(own, design, i, *at)
            return np.array([curve.start[0], curve.change[0, 0]])

        at, step = np.array([own["slope"][i], own["change_ratio"][i]]), 1e-5 * np.eye(2)
        start, change = natural(at)
        slopes = [(natural(at + h) - natural(at - h)) / 2e-5 for h in step]
        mean = expected_change(start, own["recovery"], own["saturation"])
        density = norm.logpdf(start, own["slope_mean"], own["slope_spread"])
        density += norm.logpdf(change, mean, own["change_spread"])
        expected = density + np.log(np.abs(np.linalg.det(slopes)))
        assert found[i] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("bends", "curves"), [(1, chains_of_sizes), (2, chains_of_sizes), (1, checkpoint_metrics)]
)
def test_the_log_density_of_scores_is_that_of_numpy(bends, curves):
    """The graph against the formula, evaluated without a compiler."""
    from scipy.stats import t as student

    card = load_shape_card("shapes").model_copy(update={"bends": bends})
    design = make_shape_design(curves())
    model = build_shape_model(card, design)
    own = a_point(model)
    found = evaluated(model.logp(vars=[model["score"]], sum=False)[0], model, own)
    expected = []
    for i in range(len(design.curves)):
        x, z = design.x[i, design.there[i]], design.z[i, design.there[i]]
        mean = trend_at(own, design, i, own["slope"][i], own["change_ratio"][i]).at(x)[0]
        scatter = np.exp(own["log_scatter"][i])
        if design.several[i]:
            ratio = own["model_ratio"][design.model[i, design.there[i]]]
            mean = mean + scatter * own["between_models"] * ratio
        previous = design.previous[i, design.there[i]]
        first = previous == np.arange(len(x))
        kept = np.where(first, 0, own["persistence"] ** ((x - x[previous]) / np.log10(3)))
        before = (z - mean)[previous]
        sigma = np.sqrt(scatter**2 * (1 - kept**2) + design.error[i, design.there[i]] ** 2)
        expected.append(student.logpdf(z, own["nu"], mean + kept * before, sigma))
    assert np.allclose(found, np.concatenate(expected))


# -- simulation


def test_simulated_tasks_scatter_as_their_population_says():
    card = load_shape_card("shapes")
    rows = [
        {"task": f"{i:04d}", "params": n, "value": 0.3 + k / 99, "n_examples": 1e9, "metric": "acc"}
        for i in range(300)
        for k, n in enumerate(SIZES)
    ]  # fmt: skip
    design = make_shape_design(read_metrics(pd.DataFrame(rows)))
    people = draw_population(card, np.random.default_rng(0)) | {
        "slope_mean": 0.3, "slope_spread": 0.2, "nu": 50.0, "persistence": 0.5,
        "log_scatter_mean": np.log(0.1), "scatter_spread": 1e-6,
    }  # fmt: skip
    tasks = simulate_tasks(card, design, np.random.default_rng(1), people)
    slopes = np.concatenate([t.start for t in tasks.trends])
    assert slopes.mean() == pytest.approx(0.3, abs=4 * 0.2 / np.sqrt(300))
    away = tasks.z - np.stack([t.at(design.x[0])[0] for t in tasks.trends])
    # Student-t with 50 degrees of freedom has a variance of 50/48.
    assert away.std() == pytest.approx(0.1 * np.sqrt(50 / 48), rel=0.08)
    correlation = np.corrcoef(away[:, :-1].ravel(), away[:, 1:].ravel())[0, 1]
    assert correlation == pytest.approx(0.5 ** (0.5 / np.log10(3)), abs=4 / np.sqrt(1200))


def test_simulated_checkpoints_share_the_distance_of_their_model():
    card = load_shape_card("shapes")
    rows = [
        {"task": f"{i:04d}", "params": n, "tokens": d, "value": 0.3 + j / 99 + k / 999,
         "n_examples": 1e9, "metric": "acc"}
        for i in range(200)
        for j, n in enumerate(np.geomspace(1e8, 1e10, 5))
        for k, d in enumerate(np.geomspace(1e9, 1e11, 4))
    ]  # fmt: skip
    design = make_shape_design(read_metrics(pd.DataFrame(rows), checkpoints="all"))
    people = draw_population(card, np.random.default_rng(0), checkpoints=True) | {
        "nu": 50.0, "persistence": 0.5, "between_models": 2.0,
        "log_scatter_mean": np.log(0.1), "scatter_spread": 1e-6,
    }  # fmt: skip
    tasks = simulate_tasks(card, design, np.random.default_rng(1), people)
    x = design.x[0]
    away = tasks.z - np.stack([t.at(x)[0] for t in tasks.trends])
    own = np.stack([away[:, design.model[0] == m] for m in np.unique(design.model[0])])
    shared, within = own.mean(axis=2), own - own.mean(axis=2, keepdims=True)
    # Four checkpoints, neighbours a factor of 4.64 apart: variance of their mean over their own.
    lag = 0.5 ** (np.log10(100) / 3 / np.log10(3))
    correlation = lag ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    mean = correlation.mean()
    t = 50 / 48
    assert shared.var() == pytest.approx(0.01 * t * (4 + mean), rel=5 * np.sqrt(2 / shared.size))
    spread = (within**2).mean()
    assert spread == pytest.approx(0.01 * t * (1 - mean), rel=5 * np.sqrt(2 / own.size))


def test_the_base_rate_of_turning_is_that_of_its_evidence():
    """6 of 11 prize tasks turned (Wei et al. 2023): about half, within a decade."""
    rng, n, seen = np.random.default_rng(0), 10_000, np.linspace(-1.25, 1.25, 7)
    card = load_shape_card("shapes")
    drawn = [draw_population(card, rng) for _ in range(n)]
    people = {name: np.array([each[name] for each in drawn]) for name in drawn[0]}
    start = rng.normal(-0.3, people["slope_spread"])
    change, place = draw_bends(card, start, people, rng)
    curves = Trend.of_start(
        start, level=rng.normal(0, 1, n), width=people["width"], change=change,
        place=seen[-1] + place, seen=seen,
    )  # fmt: skip
    for beyond, share in ((0.5, 0.44), (1.0, 0.57)):
        sizes, last = path(seen[0], seen[-1], seen[-1] + beyond)
        good = MetricScale(bounded=True, sign=1.0, zero=0.0).goodness(curves.at(sizes))
        fell = good[:, last] < good[:, 0] - ROPE
        turned = classify(good[fell], last, ROPE) == SHAPES.index("u_shaped")
        # The card states the shares to two digits.
        error = np.sqrt(share * (1 - share) / fell.sum())
        assert turned.mean() == pytest.approx(share, abs=3 * error + 0.005)
