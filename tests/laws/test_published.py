"""What published constants imply by themselves."""

import numpy as np
import pytest

from bayes_scaling.laws import get_law, minimum_steps
from bayes_scaling.units import PF_DAY


def constants(name: str, key: str = "") -> dict[str, np.ndarray]:
    fit = next(fit for fit in get_law(name).published if fit.key.startswith(key))
    return {k: np.array(v) for k, v in fit.values.items()}


def test_hoffmanns_law_spends_gophers_budget_on_about_40_billion_parameters():
    """Hoffmann et al. 2022, Table A3, approach 3: 40.0B parameters at Gopher's 5.76e23 FLOPs."""
    params, tokens = get_law("chinchilla").optimum(5.76e23, constants("chinchilla", "Hoffmann"))
    assert params == pytest.approx(40e9, rel=0.02)
    assert 6 * params * tokens == pytest.approx(5.76e23)


def test_hoffmanns_exponents_are_those_of_approach_3():
    a, b = get_law("chinchilla").exponents(constants("chinchilla", "Hoffmann"))
    assert a == pytest.approx(0.46, abs=0.01)
    assert b == pytest.approx(0.54, abs=0.01)


def test_kaplans_compute_optimal_exponent():
    """Their rounded constants give 0.68; they print 0.71 for it and 0.73 for the fit to optima."""
    law, theta = get_law("kaplan-ns"), constants("kaplan-ns")
    a, _ = law.exponents(theta)
    assert a == pytest.approx(0.681, abs=0.001)
    # Kaplan et al. 2020, eq. 6.4: alpha_C_min = 0.052 to 0.054 by the same expression.
    assert a * theta["alpha_N"] == pytest.approx(0.0525, abs=0.0005)
    # Eqs. B.8 and B.9, written as they are.
    n_c, s_c, b = theta["N_c"], theta["S_c"], theta["B_star"]
    a_n, a_s, ratio = theta["alpha_N"], theta["alpha_S"], theta["alpha_N"] / theta["alpha_S"]
    c_c = 6 * n_c * b * s_c * (1 + ratio) ** (1 / a_s + 1 / a_n) * ratio ** (-1 / a_s)
    params, _ = law.optimum(PF_DAY, theta)
    written = n_c * (PF_DAY / c_c) ** a * (1 + ratio) ** (1 / a_n)
    np.testing.assert_allclose(params, written, rtol=1e-9)


def test_kaplans_frontier_stops_ten_per_cent_above_convergence():
    """Kaplan et al. 2020, eq. B.5: L = (1 + alpha_N / alpha_S) L(N, infinity)."""
    law, theta = get_law("kaplan-ns"), constants("kaplan-ns")
    params, tokens = law.optimum(1e21, theta)
    loss = law.planned_loss(params, tokens, theta)
    converged = (theta["N_c"] / params) ** theta["alpha_N"]
    assert loss / converged == pytest.approx(1 + theta["alpha_N"] / theta["alpha_S"], rel=1e-6)


def test_training_at_the_critical_batch_takes_twice_the_steps():
    assert minimum_steps(2000.0, 1e6, 1e6) == pytest.approx(1000.0)
    law, theta = get_law("kaplan-ns"), constants("kaplan-ns")
    large = law.loss(1e8, 1e4, 1e15, **theta)
    critical = theta["B_star"] / large ** (1 / theta["alpha_B"])
    np.testing.assert_allclose(law.loss(1e8, 2e4, critical, **theta), large, rtol=1e-6)


def test_kaplans_laws_of_one_variable_agree_with_the_joint_one_in_its_limits():
    joint = get_law("kaplan-nd")
    theta = constants("kaplan-nd")
    alone = (theta["N_c"] / 1e9) ** theta["alpha_N"]
    np.testing.assert_allclose(joint.loss(1e9, 1e30, **theta), alone, rtol=1e-6)


def test_the_coupled_law_has_both_corners():
    coupled, chinchilla = get_law("coupled"), get_law("chinchilla")
    theta = constants("chinchilla", "Besiroglu")
    n, d = np.geomspace(1e8, 1e11, 5), np.geomspace(2e9, 1e12, 5)
    np.testing.assert_allclose(
        coupled.loss(n, d, gamma=1.0, **theta), chinchilla.loss(n, d, **theta), rtol=1e-12
    )
    kaplan = constants("kaplan-nd")
    corner = {
        "E": 0.0,
        "A": kaplan["N_c"] ** kaplan["alpha_N"],
        "alpha": kaplan["alpha_N"],
        "B": kaplan["D_c"] ** kaplan["alpha_D"],
        "beta": kaplan["alpha_D"],
        "gamma": kaplan["alpha_D"],
    }
    np.testing.assert_allclose(
        coupled.loss(n, d, **corner), get_law("kaplan-nd").loss(n, d, **kaplan), rtol=1e-10
    )


def test_repeated_data_reproduce_the_authors_check_values():
    """README of the paper's repository: 6.34B and 8.67B parameters on 25B unique tokens."""
    law, theta = get_law("repeated"), constants("repeated")
    assert law.loss(6.34e9, 242e9, 25e9, **theta) == pytest.approx(2.22564, abs=2e-4)
    assert law.loss(8.67e9, 178e9, 25e9, **theta) == pytest.approx(2.22696, abs=2e-4)


def test_the_worth_of_repeated_tokens():
    """Muennighoff et al. 2023: four epochs nearly as good as new data, sixteen not."""
    law, theta = get_law("repeated"), constants("repeated")
    from bayes_scaling.laws.repeated import effective

    new = {epochs: effective(np, 1.0, epochs, theta["R_D"]) / epochs for epochs in (1, 4, 16)}
    assert new[1] == pytest.approx(1.0)
    assert new[4] == pytest.approx(0.931, abs=0.001)
    assert new[16] == pytest.approx(0.661, abs=0.001)
    np.testing.assert_allclose(law.token_worth([1, 1 + theta["R_D"]], theta), [1, np.exp(-1)])


def test_the_broken_law_reproduces_its_published_curve():
    """Caballero et al. 2022, Figure 4: four-digit addition, by number of training examples."""
    law = get_law("broken", "tokens")
    theta = next(iter(law.published)).values
    x = np.array([160, 448, 608, 736, 928])
    np.testing.assert_allclose(
        law.loss(x, **theta), [2.136, 2.038, 1.708, 0.966, 0.563], atol=0.002
    )


def test_farseers_published_constants():
    """At the digits printed; bits per character."""
    law, theta = get_law("farseer"), constants("farseer")
    found = law.loss([1e9, 6e9, 2.5e10], [2e10, 1e11, 1e12], **theta)
    np.testing.assert_allclose(found, [0.52722, 0.44783, 0.37965], atol=1e-5)


def test_transfer_multiplies_small_data():
    law, theta = get_law("transfer"), constants("transfer")
    transferred = law.data_transferred(1e9, 1e7, theta)
    assert transferred == pytest.approx(1.9e4 * 1e7**0.18 * 1e9**0.38)
