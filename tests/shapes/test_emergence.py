"""The mathematics of emergence: links, laws, likelihood, evidence, scores, resolution."""

import numpy as np
import pytest
from emergence_examples import BREAK, BROKEN, SIZES, SMOOTH, example_scores
from scipy.integrate import quad
from scipy.special import betaln, logsumexp
from scipy.stats import multivariate_normal, norm
from scipy.stats import t as student_t

import bayes_scaling as bs
from bayes_scaling.errors import CardError, InputError
from bayes_scaling.resources import resource_dir
from bayes_scaling.shapes.emergent.card import load_emergence_card
from bayes_scaling.shapes.emergent.design import Observed, make_token_tasks
from bayes_scaling.shapes.emergent.evidence import evidence
from bayes_scaling.shapes.emergent.laws import AnswerLaw
from bayes_scaling.shapes.emergent.likelihood import REACH, size_likelihood
from bayes_scaling.shapes.emergent.links import KINDS, answer_error, expected, kind_of
from bayes_scaling.shapes.emergent.resolution import questions_needed, scale_shown
from bayes_scaling.shapes.emergent.score import score_draws, wei
from bayes_scaling.shapes.emergent.simulate import simulate_scores

CARD = load_emergence_card()


# -- metrics


@pytest.mark.parametrize("kind", KINDS)
def test_links_run_from_chance_to_all_right_and_back(kind):
    error = np.geomspace(1e-3, 3, 50)
    score = expected(kind, error, chance=0.2, tokens=3.0, guess=0.05)
    assert (np.diff(score) < 0).all()
    again = answer_error(kind, score, chance=0.2, tokens=3.0, guess=0.05)
    np.testing.assert_allclose(again, error, rtol=1e-8)
    ends = expected(kind, np.array([0.0, 700.0]), chance=0.2)
    np.testing.assert_allclose(ends, [1.0, 0.2], atol=1e-12)


def test_an_answer_needs_every_token():
    p, length = 0.9, 5
    error = np.array(-length * np.log(p))
    assert expected("answer", error) == pytest.approx(p**length)
    assert expected("token", error, tokens=length) == pytest.approx(p)
    share = 0.25 + 0.75 * p**length
    assert expected("choice", error, chance=0.25) == pytest.approx(share)
    guessed = 1 - (1 - 0.25) ** 2
    assert expected("brier", error, chance=guessed) == pytest.approx(1 - (1 - share) ** 2)


def test_kinds_of_metrics():
    assert kind_of("Exact Match", float("nan")) == "answer"
    assert kind_of("acc", 0.0) == "answer"
    assert kind_of("acc", 0.25) == "choice"
    assert kind_of("acc", float("nan")) is None
    assert kind_of("token_edit_distance", float("nan")) == "token"
    assert kind_of("brier_score", 0.75) == "brier"
    assert kind_of("f1", 0.0) is None


# -- laws


def law_of(truth, *, guesses=True):
    span = float(np.log(SIZES[-1] / SIZES[0]))
    law = AnswerLaw(card=CARD, span=span, broken="change" in truth, guesses=guesses)
    parameters = {name: np.log([value]) for name, value in truth.items()}
    if law.broken:
        parameters["place"] = np.log([BREAK / SIZES[0]])
    return law, parameters


def test_the_smooth_law_is_a_power_law_on_a_floor():
    law, parameters = law_of(SMOOTH)
    found = np.exp(law.log_error(parameters, np.log(SIZES / SIZES[0])))[0]
    np.testing.assert_allclose(found, 0.02 + 12 * (SIZES / SIZES[0]) ** -0.55, rtol=1e-10)


def test_the_exponent_grows_at_the_break():
    law, parameters = law_of({**BROKEN, "floor": 1e-12})
    t = np.array([0.0, 0.5, 6.0, 6.5])
    log_error = law.log_error(parameters, t)[0]
    assert (log_error[0] - log_error[1]) / 0.5 == pytest.approx(0.05, rel=1e-3)
    assert (log_error[2] - log_error[3]) / 0.5 == pytest.approx(1.85, rel=1e-3)


def test_coordinates_are_quantiles_of_the_priors():
    law, _ = law_of(BROKEN)
    z = np.random.default_rng(1).standard_normal((4000, len(law.names)))
    found = law.parameters(z)
    assert np.exp(np.median(found["start"])) == pytest.approx(5.0, rel=0.06)
    place = found["place"] / law.span
    assert place.min() > 0.1
    assert place.max() < 0.9
    # Four standard errors of a uniform's mean.
    assert place.mean() == pytest.approx(0.5, abs=4 * 0.8 / np.sqrt(12 * 4000))


# -- likelihood


@pytest.mark.parametrize("right", [0.0, 0.004, 0.3, 0.95, 1.0])
def test_the_table_is_the_integral_over_the_scatter(right):
    n, log_error, scatter, guess = 500, 0.4, 0.15, 0.003
    metric = Observed(
        name="em", kind="answer", better_high=True, right=np.array([right]), n=np.array([n]),
        chance=0.0,
    )  # fmt: skip
    table = size_likelihood([metric], CARD, tokens=1.0)
    strength = 1 / CARD.noise.within - 1

    def integrand(x):
        mean = np.clip(guess + (1 - guess) * np.exp(-np.exp(x)), 1e-9, 1 - 1e-9)
        a, b = mean * strength, (1 - mean) * strength
        log = betaln(right * n + a, n - right * n + b) - betaln(a, b)
        density = student_t.logpdf((x - log_error) / scatter, CARD.noise.nu) - np.log(scatter)
        return np.exp(log + density + shift)

    low, high = log_error - REACH, log_error + REACH
    # The integrand is tiny: it is lifted by its largest likelihood.
    top = right if 0 < right < 1 else np.clip(right, 1e-6, 1 - 1e-6)
    shift = -n * (top * np.log(top) + (1 - top) * np.log1p(-top))
    exact = np.log(quad(integrand, low, high, limit=2000, points=[-6, -3, -1, 0, 1, 2])[0]) - shift
    found = table(np.array([[log_error]]), np.log([scatter]), np.log([guess]))
    assert found[0] == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize(("n", "share"), [(100, 0.2), (1000, 0.05), (10_000, 0.003)])
def test_the_table_follows_what_many_scores_say_of_lucky_answers(n, share):
    """Six sizes that know nothing and guess: their share is told to a few percent."""
    sizes = 6
    metric = Observed(
        name="em", kind="answer", better_high=True, right=np.full(sizes, share),
        n=np.full(sizes, float(n)), chance=0.0,
    )  # fmt: skip
    error = 1 / np.sqrt(sizes * share * n / (1 + n * CARD.noise.within))
    guess = share * np.exp(error * np.linspace(-3, 3, 61))
    hopeless = np.full((len(guess), sizes), np.log(200.0))
    found = size_likelihood([metric], CARD, tokens=1.0)(
        hopeless, np.full(len(guess), np.log(0.05)), np.log(guess)
    )
    strength = 1 / CARD.noise.within - 1
    a, b = guess * strength, (1 - guess) * strength
    exact = sizes * (betaln(share * n + a, n - share * n + b) - betaln(a, b))
    assert found == pytest.approx(exact, abs=0.15)


def test_metrics_of_a_size_share_its_scatter():
    one, two = (
        Observed(name="em", kind="answer", better_high=True, right=np.array([0.3]),
                 n=np.array([400.0]), chance=0.0)
        for _ in range(2)
    )  # fmt: skip
    at = np.array([[2.5]]), np.log([0.1]), np.log([0.001])
    alone = size_likelihood([one], CARD, tokens=1.0)(*at)
    both = size_likelihood([one, two], CARD, tokens=1.0)(*at)
    # One outlying size, seen twice, is not two outliers.
    single = size_likelihood([one], CARD, tokens=1.0)(np.array([[0.19]]), *at[1:])
    assert both - 2 * single > 2 * (alone - single) + 1


# -- evidence


def test_evidence_of_a_gaussian_is_exact():
    data, sigma = np.array([2.0, -1.0, 0.5, 3.0]), 0.1
    exact = norm.logpdf(data, scale=np.sqrt(1 + sigma**2)).sum()
    found = evidence(
        lambda z: norm.logpdf(data, z, sigma).sum(axis=1), 4, 2000, np.random.default_rng(1)
    )
    assert found.error < 0.05
    assert found.log_z == pytest.approx(exact, abs=4 * found.error)
    np.testing.assert_allclose(found.z.mean(axis=0), data / (1 + sigma**2), atol=0.02)
    np.testing.assert_allclose(found.z.std(axis=0), sigma, rtol=0.1)


def test_evidence_of_two_modes():
    modes = [np.full(3, 2.0), np.full(3, -2.0)]

    def log_likelihood(z):
        return logsumexp([norm.logpdf(mode, z, 0.2).sum(axis=1) for mode in modes], axis=0)

    found = evidence(log_likelihood, 3, 2000, np.random.default_rng(2))
    exact = np.log(2) + multivariate_normal.logpdf(modes[0], cov=1.04 * np.eye(3))
    assert found.log_z == pytest.approx(exact, abs=4 * found.error)
    assert (found.z[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.15)


def test_evidence_of_a_law_is_the_mean_over_the_prior():
    (task,), _ = make_token_tasks(bs.read_metrics(example_scores(SMOOTH, n=30)))
    likelihood = size_likelihood(task.metrics, CARD, tokens=1.0)
    law = AnswerLaw(card=CARD, span=float(task.t[-1]), broken=True, guesses=True)

    def log_likelihood(z):
        at = law.parameters(z)
        return likelihood(law.log_error(at, task.t), at["scatter"], at["guess"])

    rng = np.random.default_rng(1)
    found = evidence(log_likelihood, len(law.names), 2000, rng)
    plain = log_likelihood(rng.standard_normal((120_000, len(law.names))))
    weights = np.exp(plain - plain.max())
    exact = np.log(weights.mean()) + plain.max()
    error = weights.std() / weights.mean() / np.sqrt(len(weights))
    assert error < 0.1
    assert found.log_z == pytest.approx(exact, abs=4 * np.hypot(error, found.error))


# -- verdicts on what is known


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_smooth_laws_are_mirages_and_broken_ones_are_not(seed):
    smooth = bs.emergence(example_scores(SMOOTH, seed=seed)).tasks[0]
    assert smooth.posterior.p_break < 0.5
    broken = bs.emergence(example_scores(BROKEN, seed=seed)).tasks[0]
    assert broken.verdict == "break"
    lower, upper = np.quantile(broken.break_at, [0.005, 0.995])
    assert lower < BREAK < upper


def test_small_test_sets_decide_less():
    few, many = (
        bs.emergence(example_scores(BROKEN, n=n)).tasks[0].posterior.log_bayes_factor
        for n in (10, 2000)
    )
    assert few < many - 2


def test_prior_odds_move_the_probability_and_not_the_bayes_factor():
    scores = example_scores(BROKEN, n=30)
    even, wary = (bs.emergence(scores, prior_break=p).tasks[0].posterior for p in (0.5, 0.1))
    assert even.log_bayes_factor == wary.log_bayes_factor
    odds = np.log(wary.p_break / (1 - wary.p_break)) - np.log(even.p_break / (1 - even.p_break))
    assert odds == pytest.approx(np.log(0.1 / 0.9))


def test_two_metrics_tell_how_many_tokens_an_answer_has():
    scores = example_scores(SMOOTH, kinds=("answer", "token"), tokens=5.0)
    task = bs.emergence(scores).tasks[0]
    tokens = np.concatenate([law.tokens for law in task.posterior.mixed])
    assert np.median(tokens) == 5
    assert ((tokens > 3) & (tokens < 8)).mean() > 0.95
    alone = bs.emergence(scores[scores["metric"] == "exact_match"]).tasks[0]
    unknown = np.concatenate([law.tokens for law in alone.posterior.mixed])
    assert unknown.std() > 3 * tokens.std()


def test_how_many_tokens_an_answer_has_does_not_move_one_metric():
    scores = example_scores(BROKEN, n=100)
    one, six = (bs.emergence(scores, answer_tokens=n).tasks[0] for n in (1, 6))
    assert one.posterior.log_bayes_factor == six.posterior.log_bayes_factor
    errors = [each.curve(SIZES)["token_error"].median("sample") for each in (one, six)]
    np.testing.assert_allclose(errors[0], 6 * errors[1], rtol=1e-9)


def test_edit_distance_falls_smoothly_where_exact_match_jumps():
    scores = example_scores(SMOOTH, kinds=("answer", "token"))
    distance = scores["metric"] == "token_accuracy"
    scores.loc[distance, "value"] = 1 - scores.loc[distance, "value"]
    scores["chance"] = np.where(distance, np.nan, 0.0)
    scores["metric"] = scores["metric"].replace("token_accuracy", "token_edit_distance")
    task = bs.emergence(scores, answer_tokens=4).tasks[0]
    assert [metric.kind for metric in task.task.metrics] == ["answer", "token"]
    seen = scores.loc[distance, "value"].to_numpy()
    found = task.curve(SIZES)["edit_distance"].median("sample")
    np.testing.assert_allclose(found, seen, atol=0.06)


@pytest.mark.calibration
def test_probabilities_of_a_break_are_right_as_often_as_they_say():
    """Truths from both priors: the number of breaks is what the probabilities add up to."""
    rng = np.random.default_rng(7)
    p, truth = [], []
    for i in range(40):
        broken = bool(i % 2)
        law = AnswerLaw(card=CARD, span=float(np.log(1e3)), broken=broken, guesses=True)
        parameters = law.parameters(rng.standard_normal((1, len(law.names))))
        scores = simulate_scores(law, parameters, SIZES, 1000, rng)
        if scores["value"].nunique() < 2:
            continue  # A table of one constant curve cannot be read.
        p.append(bs.emergence(scores, seed=i).tasks[0].posterior.p_break)
        truth.append(broken)
    p, truth = np.array(p), np.array(truth)
    spread = np.sqrt((p * (1 - p)).sum())
    assert abs(truth.sum() - p.sum()) < 3.5 * spread
    assert ((p - truth) ** 2).mean() < 0.2
    for part in (p < 0.4, p > 0.6):
        spread = np.sqrt((p[part] * (1 - p[part])).sum())
        assert abs(truth[part].sum() - p[part].sum()) < 3.5 * spread


# -- scores of others


def test_the_emergence_score_by_hand():
    # Steps 0.1, 0.1, 0.8: median of squares 0.01; span 1.
    assert bs.emergence_score([0.0, 0.1, 0.2, 1.0]) == pytest.approx(10.0)
    assert bs.emergence_score([1.0, 0.9, 0.8, 0.0]) == pytest.approx(-10.0)
    assert np.isnan(bs.emergence_score([0.0, 0.0, 0.0, 0.0, 0.6]))
    assert bs.emergence_score(np.array([[0.0, 0.1, 0.2], [0.0, 0.2, 0.4]])).shape == (2,)
    with pytest.raises(InputError, match="two sizes"):
        bs.emergence_score([0.3])


def test_the_score_is_defined_by_its_posterior():
    rng = np.random.default_rng(1)
    flat = bs.emergence_score(score_draws(np.zeros(8), np.full(8, 100.0), 4000, rng))
    assert np.isfinite(flat).all()
    # Nothing says whether it rises.
    assert (flat > 0).mean() == pytest.approx(0.5, abs=0.05)
    jump = np.append(np.zeros(7), 0.6)
    rises = bs.emergence_score(score_draws(jump, np.full(8, 100.0), 4000, rng))
    assert (rises > 0).all()
    assert np.median(rises) > 10 * np.median(np.abs(flat))


def test_weis_definition():
    draws = score_draws(np.array([0.0, 0.01, 0.0, 0.3, 0.7]), np.full(5, 1000.0), 2000,
                        np.random.default_rng(1))  # fmt: skip
    found = wei(draws, np.array([1e8, 1e9, 1e10, 1e11, 1e12]), 0.0)
    assert found.probability > 0.99
    assert found.scale == 1e11
    at_once = wei(np.array([[0.3, 0.5, 0.9]]), np.array([1e8, 1e9, 1e10]), 0.0)
    assert at_once.probability == 0
    assert np.isnan(at_once.scale)
    # The same scores at chance 0.25 are random-like up to the last.
    assert wei(np.array([[0.25, 0.27, 0.5]]), np.array([1e8, 1e9, 1e10]), 0.25).scale == 1e10


# -- resolution


def test_so_many_questions_show_progress():
    rng = np.random.default_rng(1)
    for score, base in [(0.02, 0.0), (0.32, 0.25)]:
        n = int(np.ceil(questions_needed(np.array(score), base)))
        right = rng.binomial(n, score, 20_000) / n
        gain = 2 * np.sqrt(n) * (np.arcsin(np.sqrt(right)) - np.arcsin(np.sqrt(base)))
        # The arcsine is an approximation at a few right answers.
        assert (gain > norm.isf(0.05)).mean() == pytest.approx(0.8, abs=0.06)
    assert questions_needed(np.array(0.2), 0.25) == 1e12
    assert questions_needed(np.array(1.0), 0.0) >= 1


def test_where_a_test_set_shows_progress_first():
    needed = np.array([[1e6, 1e4, 1e2], [1e6, 1e5, 1e4], [10.0, 5.0, 2.0]])
    scale = np.array([1e8, 1e9, 1e10])
    found = scale_shown(needed, scale, 1e3)
    assert found[0] == pytest.approx(10**9.5)
    assert np.isinf(found[1])
    assert found[2] == pytest.approx(1e8)


# -- the card


def test_the_card_is_validated(tmp_path):
    text = (resource_dir("models") / "emergence" / "emergence.toml").read_text()
    copy = tmp_path / "mine.toml"
    copy.write_text(text.replace("nu = 6.0", "nu = 4.0"))
    assert load_emergence_card(copy).noise.nu == 4
    assert load_emergence_card(copy).name == "mine"
    copy.write_text(text.replace("nu = 6.0", "nu = -1.0"))
    with pytest.raises(CardError, match=r"noise\.nu"):
        load_emergence_card(copy)
    with pytest.raises(CardError, match="unknown emergence model 'shapes'; known: 'emergence'"):
        load_emergence_card("shapes")
