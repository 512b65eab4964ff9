import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_scaling.errors import InputError
from bayes_scaling.runs import load_table
from bayes_scaling.runs.flops import (
    PEARCE_SONG_OMEGA,
    non_embedding_params,
    omega,
    pf_days,
    tokens_for,
    total_params,
    training_flops,
)

KNOWN = load_table("known-models").to_dict("records")
COUNTS = st.floats(-3, 18).map(lambda exponent: 10.0**exponent)
OMEGAS = st.floats(-2, 9).map(lambda exponent: 10.0**exponent)


def printed(value: float, digits: int = 3) -> float:
    """Half a unit in the last printed digit; the source rounds 5.325 up and 6.405 down."""
    return 0.5 * 10.0 ** (np.floor(np.log10(value)) - digits + 1) * (1 + 1e-9)


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row["model"])
def test_every_row_of_gpt3s_table_d1(row):
    flops = training_flops(
        row["params_millions"] * 1e6, row["tokens_billions"] * 1e9, active=row["active_fraction"]
    )
    assert flops == pytest.approx(row["train_flops"], abs=printed(row["train_flops"]))
    assert pf_days(flops) == pytest.approx(row["train_pf_days"], abs=printed(row["train_pf_days"]))


def test_six_a_parameter_and_token_unless_told_otherwise():
    params, tokens = np.array([1e9, 2e9]), np.array([2e10, 3e10])
    np.testing.assert_array_equal(training_flops(params, tokens), [1.2e20, 3.6e20])
    np.testing.assert_array_equal(training_flops(params, tokens, 0.5), [0.6e20, 1.8e20])
    np.testing.assert_allclose(tokens_for(training_flops(params, tokens), params), tokens)
    assert isinstance(training_flops(1e9, 2e10), float)


@pytest.mark.parametrize("active", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_is_a_share(active):
    with pytest.raises(InputError, match=r"active is .*expected a share above 0 and at most 1"):
        training_flops(1e9, 1e10, active=active)


def test_a_pf_day_is_a_day_of_1e15_a_second():
    assert pf_days(1e15 * 24 * 3600) == 1
    np.testing.assert_allclose(pf_days(np.array([8.64e19, 3.14e23])), [1, 3634.26], rtol=1e-6)


def test_omega_of_hoffmanns_models():
    # Pearce and Song 2024: V = 32,000 and a mean aspect ratio of 39.2; their script has 47,491.
    assert omega(32_000, 39.2) == pytest.approx(47_481, abs=1)
    assert omega(32_000, 39.2) == pytest.approx(PEARCE_SONG_OMEGA, rel=3e-4)


def test_total_params_by_hand():
    # N = 1e9 has the cube root 1,000.
    assert total_params(1e9) == pytest.approx(1e9 + 47_491e3, rel=1e-15)
    assert total_params(1e6, omega=2.0) == pytest.approx(1e6 + 200, rel=1e-15)


@given(COUNTS, OMEGAS)
def test_both_ways_give_the_number_back(params, family):
    there = total_params(params, omega=family)
    assert there > params or family * params ** (-2 / 3) < 1e-15
    assert non_embedding_params(there, omega=family) == pytest.approx(params, rel=1e-13)
    back = non_embedding_params(params, omega=family)
    assert total_params(back, omega=family) == pytest.approx(params, rel=1e-13)


def test_the_share_of_embeddings_vanishes_with_scale():
    params = np.geomspace(1e3, 1e15, 60)
    share = 1 - params / total_params(params)
    assert np.all(np.diff(share) < 0)
    assert share[0] > 0.99
    assert share[-1] < 1e-5
    # At the smallest of Kaplan's models (768 parameters) embeddings are nearly all there is.
    assert non_embedding_params(total_params(768.0)) == pytest.approx(768, rel=1e-12)


def test_arrays_keep_their_shape_and_numbers_stay_numbers():
    total = np.geomspace(1e6, 1e12, 6).reshape(2, 3)
    rest = non_embedding_params(total)
    assert rest.shape == (2, 3)
    np.testing.assert_allclose(total_params(rest), total, rtol=1e-13)
    assert type(non_embedding_params(1e9)) is type(total_params(1e9)) is float


@pytest.mark.parametrize("wrong", [0.0, -1e9, float("nan"), float("inf")])
def test_what_is_not_positive_is_refused_by_name(wrong):
    for convert, name in ((total_params, "non_embedding"), (non_embedding_params, "total")):
        with pytest.raises(InputError, match=rf"^{name}: found .*expected positive finite"):
            convert(np.array([1e9, wrong]))
        with pytest.raises(InputError, match=r"^omega: found"):
            convert(1e9, omega=wrong)
    with pytest.raises(InputError, match=r"^vocabulary"):
        omega(wrong, 39.2)
    with pytest.raises(InputError, match=r"^aspect_ratio"):
        omega(32_000, wrong)
