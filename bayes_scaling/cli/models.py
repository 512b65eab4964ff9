"""``bayes-scaling models``: model cards, their priors and their graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_scaling.cli.errors import UNTRUSTED, reported
from bayes_scaling.cli.options import Json, examples

__all__ = ["models"]

models = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, read, check and draw model cards, the files where priors live.",
)
Card = Annotated[
    str, typer.Argument(metavar="CARD", help="Name of a card, or path of a TOML file.")
]
Table = Annotated[
    str | None,
    typer.Option("--runs", metavar="RUNS", help="Runs to look at; pile-families by default."),
]


@models.command("list", epilog=examples("bayes-scaling models list"))
@reported
def list_models(as_json: Json = False) -> None:
    """List the cards that come with the package.

    With --json: a list of {name, title, law, pools_over}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output

    cards = bs.list_cards()
    over = {card.name: card.pooling.over if card.pooling else () for card in cards}
    if as_json:
        fields = [
            {"name": c.name, "title": c.title, "law": c.law, "pools_over": over[c.name]}
            for c in cards
        ]
        output.print_json(fields)
        return
    rows = [[c.name, c.law, " x ".join(over[c.name]) or "-", c.title] for c in cards]
    heads = ["name", "law", "pools over", "what"]
    output.print_table(heads, rows, left=heads)
    scores = ", ".join(card.name for card in bs.list_shape_cards())
    typer.echo(f"For scores instead of losses (`bayes-scaling shapes`): {scores}")
    typer.echo("For emergence or mirage (`bayes-scaling emergence`): emergence")


@models.command(
    epilog=examples(
        "bayes-scaling models show chinchilla",
        "bayes-scaling models show chinchilla --toml > my_card.toml",
        "bayes-scaling models show shapes",
    )
)
@reported
def show(
    card: Card,
    toml: Annotated[bool, typer.Option("--toml", help="Print the card itself, to edit.")] = False,
    as_json: Json = False,
) -> None:
    """Show the priors of a card with their reasons.

    With --json: the card.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output
    from bayes_scaling.cli.cards import card_text, show_card, show_shape_card
    from bayes_scaling.shapes.emergent.card import DEFAULT_EMERGENCE_CARD

    found: bs.ModelCard | bs.ShapeCard | bs.EmergenceCard
    if card in [each.name for each in bs.list_shape_cards()]:
        found, file = bs.load_shape_card(card), f"shapes/{card}"
    elif card == DEFAULT_EMERGENCE_CARD:
        found, file = bs.load_emergence_card(), f"emergence/{card}"
    else:
        found, file = bs.load_card(card), card
    if toml:
        typer.echo(card_text(file), nl=False)
    elif as_json:
        output.print_json(found.model_dump(mode="json"))
    elif isinstance(found, bs.ShapeCard | bs.EmergenceCard):
        show_shape_card(found)
    else:
        show_card(found)


@models.command(
    epilog=examples(
        "bayes-scaling models check my_card.toml",
        "bayes-scaling models check my_card.toml --runs runs.csv",
    )
)
@reported
def check(card: Card, runs: Table = None, as_json: Json = False) -> None:
    """Validate a card, and look at the losses that its priors expect before any run is seen.

    With --json: {card, passed, text, absurd_share, loss, parameters}. Exits with 1 if the card
    expects losses that no language model has.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output
    from bayes_scaling.cli.cards import show_check
    from bayes_scaling.cli.tables import find_runs
    from bayes_scaling.inference.prior_predictive import prior_predictive

    found = bs.load_card(card)
    answer = prior_predictive(found, None if runs is None else find_runs(runs))
    if as_json:
        output.print_json_text(answer.to_json())
    else:
        show_check(answer)
    if not answer.verdict.passed:
        raise typer.Exit(UNTRUSTED)


@models.command(epilog=examples("bayes-scaling models graph chinchilla-hierarchical > model.mmd"))
@reported
def graph(
    card: Card,
    runs: Table = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the graph of a card's model, in Mermaid's notation.

    With --json: {card, mermaid}.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.cards import mermaid
    from bayes_scaling.cli.files import check_writable

    found = bs.load_card(card)
    if output is not None:
        check_writable(output)
    text = mermaid(found, runs)
    if output is not None:
        from bayes_scaling.inference.storage import replacing

        with replacing(output) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    if as_json:
        printing.print_json({"card": found.name, "mermaid": text})
    else:
        typer.echo(text if output is None else f"written to {output}")
