"""Cards, designs and the model of shapes: what they refuse, and the graph against the formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, lognorm, norm
from shape_examples import example_metrics

from bayes_scaling.errors import CardError, InputError
from bayes_scaling.inference.card import list_cards
from bayes_scaling.resources import resource_dir
from bayes_scaling.runs import read_metrics
from bayes_scaling.shapes import list_shape_cards, load_shape_card
from bayes_scaling.shapes.design import make_shape_design
from bayes_scaling.shapes.model import build_shape_model
from bayes_scaling.shapes.trend import Trend, expected_change


def test_curves_that_never_change_have_no_shape():
    table = pd.DataFrame({"task": "a", "metric": "em", "params": [1e8, 1e9, 1e10], "value": 0.0})
    with pytest.raises(InputError, match="the score of 'a' never changes"):
        make_shape_design(read_metrics(table, keep_constant=True))


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
    with pytest.raises(
        InputError, match=r"unknown scale 'flops'; known: 'params'\. Curves along flops need"
    ):
        make_shape_design(models_of_one_size(), along="flops")
    with pytest.raises(InputError, match="unknown group column 'colour'") as caught:
        make_shape_design(example_metrics(), by="colour")
    assert "'family'" in str(caught.value)
    for made in ("'x'", "'curve'", "'bounded'"):
        assert made not in str(caught.value)


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


def models_of_one_size(**columns):
    """Three models of 7B in one curve; another curve has one score a size."""
    sizes = [1e9, 7e9, 7e9, 7e9, 1.3e10, 7e10]
    rows = {"task": ["a"] * 6 + ["b"] * 4, "params": [*sizes, *np.unique(sizes)], "metric": "acc",
            "value": [0.3, 0.35, 0.5, 0.43, 0.46, 0.6, 0.3, 0.4, 0.5, 0.6]}  # fmt: skip
    return read_metrics(pd.DataFrame({**rows, "n_examples": 800, "chance": 0.25, **columns}))


@pytest.mark.parametrize("told", ["model", "seed", None])
def test_scores_of_one_size_scatter_independently_and_leave_their_mean(told):
    metrics = models_of_one_size(**({told: [*range(10)]} if told else {}))
    assert ("repeated-points" in {p.code for p in metrics.problems}) == (told is None)
    design = make_shape_design(metrics)
    assert design.alike[0].tolist() == [0, 1, 1, 1, 4, 5]
    assert design.previous[0].tolist() == [0, 0, 0, 0, 1, 4]
    assert design.gap[0] == pytest.approx(
        [np.inf, *[np.log10(7)] * 3, np.log10(13 / 7), np.log10(70 / 13)]
    )
    assert design.together[0].sum(axis=1).tolist() == [1, 3, 3, 3, 1, 1]


def test_seeds_are_models_whose_checkpoints_follow_each_other():
    rows = [
        {"task": "a", "model": "m", "params": 1e9, "seed": seed, "tokens": d, "metric": "acc",
         "value": 0.3 + 0.1 * j + 0.01 * seed, "n_examples": 500, "chance": 0.25}
        for seed in (1, 2) for j, d in enumerate((1e9, 4e9, 2e10))
    ]  # fmt: skip
    metrics = read_metrics(pd.DataFrame(rows), checkpoints="all")
    design = make_shape_design(metrics, along="tokens")
    assert (len(set(design.model[0])), design.repeats) == (2, False)
    assert design.previous[0].tolist() == [0, 1, 0, 1, 2, 3]
    # The first seed stopped at 4B tokens.
    stopped = pd.DataFrame([*rows[:2], *rows[3:], {**rows[0], "params": 2e9, "value": 0.7}])
    assert read_metrics(stopped).table["value"].tolist() == pytest.approx([0.41, 0.52, 0.7])


def test_tables_with_one_score_a_size_have_the_chains_that_they_had():
    """Every score follows the one before; of checkpoints, the one before of its model."""
    design = make_shape_design(chains_of_sizes())
    assert not design.repeats
    assert design.previous.tolist() == [
        [0, *range(n - 1), *range(n, 5)] for n in design.there.sum(axis=1)
    ]
    assert (design.alike == np.arange(5)).all()
    assert design.gap[design.there].tolist() == pytest.approx(
        [gap for n in design.there.sum(axis=1) for gap in (np.inf, *[0.5] * (n - 1))]
    )
    assert not make_shape_design(checkpoint_metrics()).repeats


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


def test_places_are_early_in_the_share_that_is_learned():
    card, design = load_shape_card("shapes"), make_shape_design(chains_of_sizes())
    model = build_shape_model(card, design)
    own = a_point(model)
    found = evaluated(model.logp(vars=[model["first_place"]], sum=False)[0], model, own)
    early, late = (
        norm(kind.mean, kind.sigma).pdf(own["first_place"])
        for kind in (card.priors.early_place, card.priors.late_place)
    )
    assert found == pytest.approx(np.log(own["early"] * early + (1 - own["early"]) * late))


def test_the_population_has_the_priors_of_the_card():
    card = load_shape_card("shapes").with_bends(2)
    model = build_shape_model(card, make_shape_design(chains_of_sizes()))
    own, noise = a_point(model), card.noise
    priors = {name: getattr(card.priors, name) for name in
              ("level_mean", "level_spread", "slope_mean", "slope_spread", "early", "width",
               "change_spread", "second_spread", "recovery", "saturation")}  # fmt: skip
    priors |= {"scatter_spread": noise.scatter_spread, "nu": noise.nu}
    priors |= {"persistence": noise.persistence}
    kinds = {
        "normal": lambda p: norm(p.mean, p.sigma),
        "lognormal": lambda p: lognorm(p.sigma, scale=p.median),
        "beta": lambda p: beta(p.a, p.b),
    }
    for name, prior in priors.items():
        density = model.logp(vars=[model[name]], jacobian=False, sum=False)[0]
        expected = kinds[prior.distribution](prior).logpdf(own[name])
        # The normalising constant of a beta is rounded to single precision.
        assert evaluated(density, model, own) == pytest.approx(expected, abs=1e-4), name


@pytest.mark.parametrize("bends", [1, 2])
def test_tasks_are_draws_of_starts_and_of_changes_given_them(bends):
    """Their log density, with what the coordinates of the sampler cost by finite differences."""
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
        wide = card.priors.wide_change
        density += np.log(
            (1 - wide.share) * norm.pdf(change, mean, own["change_spread"])
            + wide.share * norm.pdf(change, mean, wide.sigma)
        )
        expected = density + np.log(np.abs(np.linalg.det(slopes)))
        assert found[i] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("bends", "curves"),
    [
        (1, chains_of_sizes), (2, chains_of_sizes), (1, checkpoint_metrics),
        (1, models_of_one_size),
    ],
)  # fmt: skip
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
        # The mean of several scores of the size before is left, of which there are so many.
        same = [x == x[k] for k in previous]
        before = np.array([(z - mean)[mask].mean() for mask in same])
        if not design.repeats:
            before, same = (z - mean)[previous], [[True]] * len(x)
        count = np.sum(same, axis=1)
        sigma = np.sqrt(scatter**2 * (1 - kept**2 / count) + design.error[i, design.there[i]] ** 2)
        expected.append(student.logpdf(z, own["nu"], mean + kept * before, sigma))
    assert np.allclose(found, np.concatenate(expected))
