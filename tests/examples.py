"""Small fits and tables for tests: no sampler, no compilation, known truth.

>>> fit = example_fit(groups=3)           # hierarchical, by "architecture"
>>> fit = example_fit()                   # one group, card "chinchilla"
>>> fit = example_fit(groups=3, crossed=True)   # by "architecture" and "dataset"
>>> fit = law_fit("isoflop", groups=3)    # any card, on runs that have all its law asks for
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayes_scaling.cards import LogNormal, Normal
from bayes_scaling.comparison import Backtest, KaplanOrChinchilla, backtest, compare
from bayes_scaling.comparison.kaplan_or_chinchilla_result import Analysis
from bayes_scaling.inference.assemble import assemble
from bayes_scaling.inference.card import Discrepancy, ModelCard, load_card
from bayes_scaling.inference.design import Design, make_design
from bayes_scaling.inference.diagnostics import Evidence, diagnose
from bayes_scaling.inference.fitting import prepare
from bayes_scaling.inference.invented import invented_columns
from bayes_scaling.inference.model import parameter_names, population_prior, varying_names
from bayes_scaling.inference.pointwise import parameter_values
from bayes_scaling.inference.posterior import Fit
from bayes_scaling.laws import LOW_LOSS, Reference, log_inputs
from bayes_scaling.runs import Runs, read_runs

TRUTH = {"E": 1.8, "A": 480.0, "B": 2080.0, "alpha": 0.348, "beta": 0.366}
"""Chinchilla's law as refitted by Besiroglu et al. 2024, rounded."""

SIGMA, NU = 0.004, 6.0
CHAINS = 4
SPREAD = 0.05
"""Made-up posterior median of the spread between groups."""

NAMES = ("dense", "experts", "recurrent", "hybrid", "looped", "sparse", "linear", "shared")
DATASETS = ("web", "code")


def example_truth(groups: int = 1) -> list[dict[str, float]]:
    """Natural parameters of every group: the first is `TRUTH`, the others depart from it."""
    factors = 1 + 0.04 * np.arange(groups)
    return [
        {**TRUTH, "E": TRUTH["E"] * f, "A": TRUTH["A"] * f**2, "alpha": TRUTH["alpha"] * f**0.5}
        for f in factors
    ]


def example_runs(
    groups: int = 1, *, crossed: bool = False, n_sizes: int = 5, n_ratios: int = 4, seed: int = 1
) -> Runs:
    """A grid of sizes and token ratios in every group, with seed noise around the truth.

    Columns params, tokens, loss, architecture, dataset. Without `crossed` all groups have the
    same data set.
    """
    rng = np.random.default_rng(seed)
    params = np.repeat(np.geomspace(5e7, 2e9, n_sizes), n_ratios)
    tokens = params * np.tile(np.geomspace(8, 60, n_ratios), n_sizes)
    parts = []
    for g, truth in enumerate(example_truth(groups)):
        for d, dataset in enumerate(DATASETS[: 1 + crossed]):
            loss = truth["E"] + truth["A"] * params ** -truth["alpha"]
            loss = (loss + truth["B"] * tokens ** -truth["beta"]) * (1 - 0.1 * d)
            loss = loss * np.exp(SIGMA * rng.standard_t(NU, size=len(loss)))
            names = {"architecture": NAMES[g], "dataset": dataset}
            parts.append(pd.DataFrame({"params": params, "tokens": tokens, "loss": loss, **names}))
    return read_runs(pd.concat(parts, ignore_index=True), name="example")


@functools.cache
def example_fit(
    groups: int = 1,
    *,
    by: str | None = None,
    card: str | ModelCard | None = None,
    crossed: bool = False,
    seed: int = 1,
    n_draws: int = 400,
) -> Fit:
    """A valid `Fit` whose posterior is Gaussian around the truth, as wide as the runs allow.

    Parameters
    ----------
    groups : int
        Architectures, up to eight; with more than one the hierarchical card is used.
    by : str, optional
        Grouping column; "architecture" where there are several groups.
    card : str or ModelCard, optional
        Instead of chinchilla, or chinchilla-hierarchical where there are several groups.
    crossed : bool
        Group by architecture and dataset.
    seed : int
        Of the runs and the draws.
    n_draws : int
        Draws of each of the four chains.

    Returns
    -------
    Fit
        The same object for the same arguments: do not change its tree.
    """
    pooled = groups > 1 or crossed or by is not None
    model = load_card(card or ("chinchilla-hierarchical" if pooled else "chinchilla"))
    columns = ("architecture", "dataset") if crossed else (by or "architecture",) * pooled
    runs = example_runs(groups, crossed=crossed, seed=seed)
    model = model.grouped_by(columns)
    design = make_design(runs, columns, model)
    centre = _true_theta(model, design, example_truth(groups))
    sampled = _fake_sampling(model, design, centre, seed, n_draws)
    return _finished(model, design, runs, sampled, seed)


@functools.cache
def law_fit(
    card: str,
    groups: int = 1,
    *,
    x: str | None = None,
    counting: str = "as given",
    n_runs: int = 48,
    seed: int = 1,
    n_draws: int = 400,
) -> Fit:
    """A valid `Fit` of any card whose truth is the centre of the card's priors.

    Its runs are invented, with every column that a law may ask for, and have the losses of that
    truth; budgets of isoFLOP cards depart from it by a few per thousand.

    Parameters
    ----------
    card : str
        Name of a shipped card.
    groups : int
        Architectures; each has slightly higher losses than the one before.
    x : str, optional
        Variable of a law of one variable.
    counting : str
        What the parameters count.
    n_runs : int
        Runs of each group, before a card leaves some out.
    seed, n_draws : int
        As for `example_fit`.

    Returns
    -------
    Fit
        The same object for the same arguments: do not change its tree.
    """
    model, rng = load_card(card).on(x), np.random.default_rng(seed)
    columns = invented_columns(n_runs * groups, rng, isoflop=model.varying is not None)
    names = np.repeat(NAMES[:groups], n_runs)
    theta, reference = _central_theta(model, columns, groups)
    value = parameter_values(model, theta[np.repeat(np.arange(groups), n_runs)])
    inputs = log_inputs(model.get_law().inputs, columns, of="the example")
    loss = model.get_law().mean(np, inputs, model.get_law().natural(np, value, reference))
    loss = loss * np.exp(SIGMA * rng.standard_t(NU, size=len(loss)))
    table = pd.DataFrame({**columns, "loss": loss, "architecture": names})
    runs = read_runs(table, name="example", counting=counting)
    question = prepare(runs, model, by="architecture" if groups > 1 else None)
    # The truth is stated in this reference, not in that of the losses with their noise.
    design = replace(question.design, reference=reference)
    order = [NAMES.index(name) if name in NAMES else 0 for name in design.groups]
    sampled = _fake_sampling(question.card, design, theta[order], seed, n_draws)
    return _finished(question.card, design, question.runs, sampled, seed)


def _central_theta(
    card: ModelCard, columns: dict[str, np.ndarray], groups: int
) -> tuple[np.ndarray, Reference]:
    """Theta of every group, (group, parameter), in a reference in which the low loss is one."""
    law, names = card.get_law(), parameter_names(card)
    inputs = log_inputs(law.inputs, columns, of="the example")
    reference = replace(Reference.of(inputs, [1.0]), log_loss=float(np.log(2.5)))
    theta = population_prior(card)[0]
    theta[-1] = np.log(SIGMA)
    levels = [names.index(p.name) for p in law.sampled if p.unit == "nats"]
    for _ in range(4):  # once is enough where the loss is proportional to the levels
        loss = law.mean(np, inputs, law.natural(np, parameter_values(card, theta), reference))
        theta[levels] -= np.log(np.quantile(loss, LOW_LOSS)) - reference.log_loss
    every = np.tile(theta, (groups, 1))
    every[:, levels] += 0.03 * np.arange(groups)[:, None]
    return every, reference


def _finished(card: ModelCard, design: Design, runs: Runs, sampled: xr.DataTree, seed: int) -> Fit:
    """The fit of draws, with its checks."""
    tree = assemble(card, design, runs, sampled, seed=seed, sampler="none")
    evidence = Evidence(fit=Fit(tree), design=design, warnings=runs.problems, attempt=1)
    tree = diagnose(evidence)
    seconds = {"import": 0.0, "compile": 0.0, "sample": 0.0, "total": 0.0}
    tree.attrs["seconds"] = json.dumps(seconds)
    return Fit(tree)


def untrusted(fit: Fit) -> Fit:
    """The same fit with a fatal check that failed."""
    tree = fit.tree.copy()
    failed = {
        "name": "r-hat",
        "passed": False,
        "fatal": True,
        "text": "The chains do NOT agree: the largest R-hat is 1.8 (at most 1.01 is wanted).",
    }
    others = [check for check in json.loads(tree.attrs["checks"]) if check["name"] != "r-hat"]
    tree.attrs["checks"] = json.dumps([failed, *others])
    return Fit(tree)


def shifted(fit: Fit, **factors: float) -> Fit:
    """The fit with natural parameters multiplied, as if another law had been fitted."""
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    values = {name: posterior[name] * factor for name, factor in factors.items()}
    tree["posterior"] = posterior.assign(values)
    return Fit(tree)


def counted(fit: Fit, counting: str) -> Fit:
    """The same fit of runs that say what they count."""
    tree = fit.tree.copy()
    tree.attrs = {**tree.attrs, "counting": counting}
    return Fit(tree)


def example_study() -> KaplanOrChinchilla:
    """A study whose three fits are of one law, shifted, and whose analyses are made up."""
    coupled = counted(law_fit("kaplan-or-chinchilla"), "N total, C 6ND")
    fits = {
        "coupled": coupled,
        "Chinchilla": shifted(coupled, A=1.1),
        "Kaplan": shifted(coupled, E=0.9),
    }
    rng = np.random.default_rng(3)
    full = coupled.exponents(coupled.parameters(coupled.groups[0]))["a"]
    analyses = [
        Analysis(name="full", what="the coupled law on all runs", a=full),
        Analysis(
            name="no irreducible loss",
            what="Kaplan's law, without an irreducible loss, on all runs",
            a=full + rng.normal(0.2, 0.01, full.shape),
            cause="irreducible loss",
        ),
        Analysis(
            name="small scale",
            what="the coupled law on the 24 runs of least compute",
            a=full + rng.normal(0.0, 0.01, full.shape),
            cause="small scale",
        ),
    ]
    untested = {"warm-up": "Warm-up cannot be tested with this table."}
    return KaplanOrChinchilla(
        comparison=compare(fits), analyses=analyses, untested=untested, prob=0.9
    )


def _fake_sampling(
    card: ModelCard, design: Design, centre: np.ndarray, seed: int, n_draws: int
) -> xr.DataTree:
    """Draws around the true theta of every group, `centre`, of shape (group, parameter)."""
    rng = np.random.default_rng([seed, 7])
    names, shape = parameter_names(card), (CHAINS, n_draws)
    first = design.group_levels[0] if len(design.by) == 2 else np.arange(len(centre))
    blocks = []
    for i in range(first.max() + 1):
        rows = first[design.group_index] == i
        mean, covariance = _laplace(card, design, centre[first == i].mean(axis=0), rows)
        blocks.append(rng.multivariate_normal(mean, covariance, shape))
    theta = np.stack(blocks, axis=2)

    def around(value: np.ndarray, width: float) -> np.ndarray:
        return value + width * rng.standard_normal((*shape, *np.shape(value)))

    tau = np.log([0.2 * SPREAD if name.startswith("drift") else SPREAD for name in names])
    posterior: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if len(design.by) == 2:
        second, left = design.group_levels[1], centre - theta.mean(axis=(0, 1))[first]
        offsets = np.stack([left[second == i].mean(axis=0) for i in range(second.max() + 1)])
        effects = theta, around(offsets, 0.001)
        for i, effect in enumerate(effects, start=1):
            posterior[f"effect_{i}"] = ((f"level_{i}", "parameter"), effect)
            posterior[f"tau_{i}"] = (("parameter",), np.exp(around(tau, 0.1)))
        theta = effects[0][:, :, first] + effects[1][:, :, second]
    elif card.pooling is not None:
        posterior["tau"] = (("parameter",), np.exp(around(tau, 0.1)))
    if card.pooling is not None:
        posterior["mu"] = (("parameter",), around(centre.mean(axis=0), 0.02))
    if card.varying is not None:
        varying = varying_names(card)
        effect = 0.003 * rng.standard_normal((len(design.budgets), len(varying)))
        posterior["budget_spread"] = (
            ("varying",),
            np.exp(around(np.log([0.01] * len(varying)), 0.1)),
        )
        posterior["budget_effect"] = (("budget", "varying"), around(effect, 0.001))
    posterior["theta"] = (("group", "parameter"), theta)
    posterior |= _shape_of_noise(card, around)
    labels = {"group": design.groups, "parameter": names, "budget": design.budgets}
    labels |= {"varying": varying_names(card)}
    labels |= {f"level_{i + 1}": level for i, level in enumerate(design.levels)}
    return xr.DataTree.from_dict(
        {"posterior": _dataset(posterior, labels), "sample_stats": _statistics(rng, shape)}
    )


def _shape_of_noise(
    card: ModelCard, around: Callable[[np.ndarray, float], np.ndarray]
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Tails of the noise, and its memory where it has one."""
    memory = card.noise.memory
    middles = {"nu": NU} | ({} if memory is None else {"noise_memory": memory.median})
    return {
        name: ((), np.exp(around(np.array(np.log(middle)), 0.1)))
        for name, middle in middles.items()
    }


def _laplace(
    card: ModelCard, design: Design, theta: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of theta given some of the runs: one Gauss-Newton step from the truth."""
    law, step = card.get_law(), 1e-4

    def log_loss(at: np.ndarray) -> np.ndarray:
        value = law.natural(np, parameter_values(card, at), design.reference)
        return np.log(law.mean(np, {k: v[rows] for k, v in design.log_inputs.items()}, value))

    nudges = step * np.eye(len(theta))
    slopes = np.stack([(log_loss(theta + n) - log_loss(theta - n)) / (2 * step) for n in nudges])
    precision = slopes @ slopes.T / SIGMA**2 + np.eye(len(theta)) / 0.05**2
    precision[-1, -1] += 2 * rows.sum()
    covariance = np.linalg.inv(precision)
    residuals = np.clip(design.log_loss[rows] - log_loss(theta), -3 * SIGMA, 3 * SIGMA)
    return theta + covariance @ slopes @ residuals / SIGMA**2, covariance


def _true_theta(card: ModelCard, design: Design, truths: list[dict[str, float]]) -> np.ndarray:
    """Theta of every group in reference units, shape (group, parameter): Chinchilla's law."""
    reference, rows = design.reference, []
    for name in design.groups:
        architecture, _, dataset = name.partition("/")
        truth = truths[NAMES.index(architecture) if architecture in NAMES else 0]
        level = (0.9 if dataset == DATASETS[1] else 1.0) / reference.loss
        values = {
            "E": truth["E"] * level,
            "T_N": truth["A"] * reference.typical("params") ** -truth["alpha"] * level,
            "T_D": truth["B"] * reference.typical("tokens") ** -truth["beta"] * level,
            "alpha": truth["alpha"],
            "beta": truth["beta"],
            "sigma": SIGMA,
        }
        # The truth keeps to the law: no drift.
        rows.append([np.log(values[n]) if n in values else 0.0 for n in parameter_names(card)])
    return np.array(rows)


def _dataset(
    posterior: dict[str, tuple[tuple[str, ...], np.ndarray]], labels: dict[str, Sequence[str]]
) -> xr.Dataset:
    used = {dim for dims, _ in posterior.values() for dim in dims}
    chain, draw = next(iter(posterior.values()))[1].shape[:2]
    coords = {dim: list(values) for dim, values in labels.items() if dim in used}
    coords |= {"chain": np.arange(chain), "draw": np.arange(draw)}
    variables = {
        name: (("chain", "draw", *dims), values) for name, (dims, values) in posterior.items()
    }
    return xr.Dataset(variables, coords=coords)


def _statistics(rng: np.random.Generator, shape: tuple[int, int]) -> xr.Dataset:
    dims = ("chain", "draw")
    return xr.Dataset(
        {
            "diverging": (dims, np.zeros(shape, dtype=bool)),
            "energy": (dims, rng.normal(size=shape)),
            "n_steps": (dims, np.full(shape, 7)),
        },
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1])},
    )


@functools.cache
def example_backtest() -> Backtest:
    """A back-test of two groups by the quick engine, at two cuts, beside the best run repeated."""
    return backtest(
        example_runs(2, n_sizes=6, n_ratios=5),
        model="chinchilla",
        by="architecture",
        cuts=(0.5, 0.7),
        methods=("best-run",),
        engine="quick",
        progress=False,
    )


DRIFT, DRIFT_OF_TERMS, WITHIN = 0.02, 0.04, 0.15


def drifting_card() -> ModelCard:
    """Chinchilla's law with a drift, and with all that noise can have."""
    plain = load_card("chinchilla")

    def normal(mean: float, sigma: float) -> Normal:
        return Normal(distribution="normal", mean=mean, sigma=sigma, reason="of a test")

    terms = normal(0.0, DRIFT_OF_TERMS)
    skew = LogNormal(distribution="lognormal", median=2.0, sigma=0.3, reason="of a test")
    noise = plain.noise.model_copy(update={"slope": normal(-0.3, 0.2), "skew": skew})
    return plain.model_copy(
        update={
            "discrepancy": Discrepancy(within=WITHIN, reason="of a test"),
            "priors": {**plain.priors, "drift": normal(0.0, DRIFT), "drift_A": terms,
                       "drift_B": terms},
            "noise": noise,
        }
    )  # fmt: skip
