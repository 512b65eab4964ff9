"""Model cards for people: their priors, the check of their priors, and their graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bayes_scaling import EmergenceCard, ModelCard, ShapeCard
    from bayes_scaling.inference.prior_predictive import PriorPredictive

__all__ = ["card_text", "mermaid", "show_card", "show_check", "show_shape_card"]

EXAMPLE_RUNS = "pile-families"
NOISE = ("sigma", "nu", "run_sigma", "slope", "skew")
EXAMPLE_COLUMNS = ("architecture", "dataset")


def card_text(model: str) -> str:
    """The TOML text of a card, comments included."""
    from bayes_scaling.resources import resource_dir

    shipped = resource_dir("models") / f"{model}.toml"
    return (shipped if shipped.is_file() else Path(model)).read_text(encoding="utf-8")


def show_card(card: ModelCard) -> None:
    """Print a card's law and its priors, each with its reason."""
    from bayes_scaling.cli import output

    law = card.get_law()
    typer.echo(f"{card.name}: {card.title}")
    typer.echo(f"law: {law.formula}")
    output.print_wrapped(" ".join(card.description.split()))
    if card.pooling is not None:
        typer.echo(f"pools over: {' x '.join(card.pooling.over) or 'what a fit is grouped by'}")
    if card.discrepancy is not None:
        typer.echo(f"drifts from {card.discrepancy.within:g} decades before the costliest run on")
        output.print_wrapped(card.discrepancy.notes)
    stated = {f"noise.{name}": getattr(card.noise, name) for name in NOISE}
    noise = {name: prior for name, prior in stated.items() if prior is not None}
    spread = card.pooling.spread if card.pooling is not None else {}
    priors = {**card.priors, **noise, **{f"spread of {n}": p for n, p in spread.items()}}
    rows = []
    for name, prior in priors.items():
        centre = prior.median if prior.distribution == "lognormal" else prior.mean
        word = "median" if prior.distribution == "lognormal" else "mean"
        text = f"{prior.distribution}, {word} {centre:g}, sigma {prior.sigma:g}"
        rows.append([name, text, " ".join(prior.reason.split())])
    heads = ["on", "prior (in reference units)", "reason"]
    output.print_table(heads, rows, left=heads, lines=True, width=output.text_width())


def show_shape_card(card: ShapeCard | EmergenceCard) -> None:
    """Print the priors of a card for scores, each with its reason."""
    from bayes_scaling.cli import output

    typer.echo(f"{card.name}: {card.title}")
    output.print_wrapped(" ".join(card.description.split()))
    rows = []
    parts = card.model_dump()
    for part in ((k, v) for k, v in parts.items() if isinstance(v, dict)):
        for name, prior in part[1].items():
            if isinstance(prior, dict):
                numbers = {k: v for k, v in prior.items() if isinstance(v, float)}
                told = [f"{key} {value:g}" for key, value in numbers.items()]
                kind = [prior["distribution"]] if "distribution" in prior else []
                reason = " ".join(prior["reason"].split())
                rows.append([name, ", ".join([*kind, *told]), reason])
    heads = ["on", "prior", "reason"]
    output.print_table(heads, rows, left=heads, lines=True, width=output.text_width())


def show_check(answer: PriorPredictive) -> None:
    """Print what a card expects before any run is seen."""
    from bayes_scaling.cli import output
    from bayes_scaling.units import format_quantity

    output.print_wrapped(answer.verdict.text)
    loss = [
        [f"loss, {row['which']} run", format_quantity(row["params"]),
         format_quantity(row["tokens"]), f"{row['median']:.3g}",
         f"{row['lower']:.3g} to {row['upper']:.3g}", f"{row['seen']:.3g}"]
        for row in answer.loss
    ]  # fmt: skip
    parameters = [
        [name, "", "", f"{row['median']:.3g}", f"{row['lower']:.3g} to {row['upper']:.3g}", ""]
        for name, row in answer.parameters.items()
    ]
    heads = ["a priori", "params", "tokens", "median", output.interval_name(answer.prob), "seen"]
    output.print_table(heads, loss + parameters, left=("a priori",))


def mermaid(card: ModelCard, runs: str | None) -> str:
    """Graph of the model of a card and a table of runs, as Mermaid text."""
    import bayes_scaling as bs
    from bayes_scaling.cli.tables import find_runs
    from bayes_scaling.inference import build_model
    from bayes_scaling.inference.design import make_design
    from bayes_scaling.inference.invented import invented_runs

    over = card.pooling.over if card.pooling is not None else ()
    if runs is not None:
        design = make_design(find_runs(runs), over, card)
    elif over:
        design = make_design(bs.load_runs(EXAMPLE_RUNS), EXAMPLE_COLUMNS[: len(over)], card)
    else:
        card = card.grouped_by(())
        design = make_design(invented_runs(isoflop=card.varying is not None), None, card)
    model = build_model(card, design)
    import pymc as pm

    return str(pm.model_to_mermaid(model))
