"""Scales, trends and their shapes: formulas, limits, one shape each."""

import numpy as np
import pytest

from bayes_scaling.shapes import SHAPES
from bayes_scaling.shapes.classify import classify, path
from bayes_scaling.shapes.scale import ASSUMED_EXAMPLES, MetricScale, latent
from bayes_scaling.shapes.trend import Trend, expected_change, fitted_line

NAN = np.full(3, np.nan)
SEEN = np.linspace(-1, 1, 6)


def trend(slope=0.0, change=0.0, place=0.0, width=0.05, seen=SEEN):
    change, place = np.atleast_1d(change), np.atleast_1d(place)
    return Trend(
        level=np.zeros(1), slope=np.full(1, slope), width=np.full(1, width),
        change=change[None], place=place[None], seen=seen,
    )  # fmt: skip


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
