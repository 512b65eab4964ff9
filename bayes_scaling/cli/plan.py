"""``bayes-scaling plan``: what to train, for a budget or a target loss, and what it may lose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_scaling.cli.options import (
    AcceptProblems,
    FitFile,
    Json,
    LawOnly,
    NewGroup,
    Page,
    Prob,
    split_values,
)
from bayes_scaling.cli.questions import open_fit, print_answer

if TYPE_CHECKING:
    from bayes_scaling import Costs

__all__ = ["plan"]

Flops = Annotated[
    list[str] | None,
    typer.Option(
        "--flops",
        metavar="C",
        help="Budget, such as 5.76e23 or '3000 PF-days', inference included; repeat it or use "
        "commas.",
    ),
]
TargetLoss = Annotated[
    float | None, typer.Option("--target-loss", metavar="L", help="Instead: nats to be reached.")
]
Confidence = Annotated[
    float, typer.Option("--confidence", help="Probability with which the target is reached.")
]
InferenceTokens = Annotated[
    str | None,
    typer.Option(
        "--inference-tokens", metavar="T", help="Prompt and output over the model's life, as 2T."
    ),
]
Risk = Annotated[
    str,
    typer.Option("--risk", metavar="RISK", help="Minimised: mean, quantile:0.9 or cvar:0.9."),
]
CostsFile = Annotated[
    Path | None,
    typer.Option(
        "--costs",
        metavar="TOML",
        help="Tables hardware, training, inference, limits; the options below go before it.",
    ),
]
MaxParams = Annotated[
    str | None, typer.Option("--max-params", metavar="N", help="At most so many parameters.")
]
MaxTokens = Annotated[
    str | None, typer.Option("--max-tokens", metavar="D", help="At most so many training tokens.")
]
UniqueTokens = Annotated[
    str | None,
    typer.Option(
        "--unique-tokens", metavar="U", help="So many different tokens (law of repeated data)."
    ),
]
MaxDays = Annotated[
    str | None, typer.Option("--max-days", metavar="DAYS", help="At most so many days of training.")
]
MaxMoney = Annotated[
    str | None, typer.Option("--max-money", metavar="M", help="Training and inference, as 2M.")
]
HardwareName = Annotated[
    str | None, typer.Option("--hardware", metavar="NAME", help="Accelerator, such as h100-sxm.")
]
Devices = Annotated[int | None, typer.Option("--devices", metavar="K", help="How many of them.")]
Utilisation = Annotated[
    float | None, typer.Option("--utilisation", metavar="MFU", help="Share of the peak, as 0.4.")
]
Price = Annotated[
    str | None, typer.Option("--price", metavar="P", help="Of a device hour, in your currency.")
]
Own = Annotated[
    list[str] | None,
    typer.Option("--params", metavar="N", help="Size of your own to compare; repeat it."),
]
Epsilon = Annotated[
    str,
    typer.Option(
        "--epsilon", metavar="EPS", help="Expected regret that counts as flat: nats, or 0.1%."
    ),
]
Deadweight = Annotated[
    float | None,
    typer.Option(
        "--deadweight", metavar="SHARE", help="Also sizes that waste less than this share."
    ),
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="NAME", help="Which group; needed where there are several."),
]


def plan(
    fit: FitFile,
    flops: Flops = None,
    target_loss: TargetLoss = None,
    confidence: Confidence = 0.9,
    inference_tokens: InferenceTokens = None,
    risk: Risk = "mean",
    max_tokens: MaxTokens = None,
    max_params: MaxParams = None,
    unique_tokens: UniqueTokens = None,
    max_days: MaxDays = None,
    max_money: MaxMoney = None,
    costs: CostsFile = None,
    hardware: HardwareName = None,
    devices: Devices = None,
    utilisation: Utilisation = None,
    price: Price = None,
    params: Own = None,
    epsilon: Epsilon = "0.1%",
    deadweight: Deadweight = None,
    group: Group = None,
    new_group: NewGroup = False,
    prob: Prob = 0.9,
    law_only: LawOnly = False,
    output: Page = None,
    as_json: Json = False,
    accept_problems: AcceptProblems = False,
) -> None:
    """Choose size and tokens for a budget or a target loss, and say what the choice may lose.

    One plan for the whole posterior: that of least risk. Regret is what it loses against the plan
    that would have been best, had the law been known; deadweight is that as a share of the budget.

    With --json: {objective, plan, optimum, regret, valley, alternatives, target, warnings, group,
    counting, prob}; a list of them for several budgets.
    """
    import bayes_scaling as bs
    from bayes_scaling.cli import output as printing
    from bayes_scaling.cli.files import check_page
    from bayes_scaling.cli.plan_output import show_plan

    if output is not None:
        check_page(output, fit, *([] if costs is None else [costs]))
    limits = {
        "max_params": max_params, "max_tokens": max_tokens, "unique_tokens": unique_tokens,
        "max_days": max_days, "max_money": max_money,
    }  # fmt: skip
    made = {"name": hardware, "devices": devices, "utilisation": utilisation, "price": price}
    stated = _costs(costs, made, limits, inference_tokens)
    posterior = open_fit(fit, law_only=law_only)
    answer = bs.plan(
        posterior,
        flops=split_values(flops), target_loss=target_loss, confidence=confidence, risk=risk,
        costs=stated, params=split_values(params), epsilon=epsilon, deadweight=deadweight,
        group=_group(group, new_group), prob=prob,
    )  # fmt: skip
    print_answer(answer, show_plan, as_json=as_json)
    if output is not None:
        from bayes_scaling.report import write_plan

        write_plan(answer, output, fit=posterior)
    printing.print_written(output, as_json=as_json)
    printing.end_with_trust(posterior, accept_problems)


def _costs(
    path: Path | None, made: dict[str, Any], limits: dict[str, Any], inferred: str | None
) -> Costs:
    """Costs of the file, with the options put over them."""
    import bayes_scaling as bs

    stated = bs.load_costs(path, hardware=made, limits=limits)
    if inferred is None:
        return stated
    from bayes_scaling.decisions.cost_files import with_inference

    return with_inference(stated, inferred)


def _group(group: str | None, new_group: bool) -> str | None:
    if not new_group:
        return group
    from bayes_scaling import NEW_GROUP
    from bayes_scaling.errors import InputError

    if group is not None:
        raise InputError("a plan is for one group: give --group or --new-group, not both")
    return NEW_GROUP
