"""Costs from a TOML file, from settings, or both.

Every table and key of the file may be left out::

    [hardware]
    name = "h100-sxm"         # or peak_flops = 989e12 and memory = 80e9 (bytes)
    devices = 1024
    utilisation = 0.4         # share of the peak that training reaches (MFU)
    price = 2.5               # of a device hour
    currency = "USD"
    bytes_per_param = 18      # weights, gradients, optimiser; makes memory a limit on N

    [training]
    active = 1.0              # share of the parameters that a token passes through
    embeddings = "added"      # compute counts them, while the fit's N does not; or "removed"

    [inference]
    prompt_tokens = "1T"      # over the life of the model
    output_tokens = "1T"
    prompt_utilisation = 0.4  # that of training unless given
    output_utilisation = 0.1

    [limits]
    max_params = "70B"
    max_tokens = "15T"        # seen, repeats counted
    unique_tokens = "5T"      # different ones; needs a law of repeated data
    max_days = 90             # of training
    max_money = "10M"         # of training and inference
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bayes_scaling.decisions.costs import Costs
from bayes_scaling.errors import InputError
from bayes_scaling.units import parse_quantity

__all__ = ["load_costs", "read_costs", "with_inference"]


def read_costs(given: Mapping[str, Any], *, source: str = "costs") -> Costs:
    """Costs from tables of settings, as a TOML file has them.

    Parameters
    ----------
    given : mapping
        Tables hardware, training, inference, limits.
    source : str
        Whose they are, for errors.

    Raises
    ------
    InputError
        A key is unknown, a value is not possible (a price of zero), the hardware is unknown, or a
        limit needs a figure that is missing; all such problems at once.
    """
    try:
        return Costs.model_validate(given)
    except ValidationError as error:
        problems = "\n".join(_told(item) for item in error.errors())
        raise InputError(f"{source}:\n{problems}") from error


def _told(item: Mapping[str, Any]) -> str:
    """A problem in one line: where, what, and what was given if that is short."""
    where = ".".join(map(str, item["loc"]))
    text = str(item["msg"]).removeprefix("Value error, ")
    given = item["input"]
    told = f" (given {given!r})" if isinstance(given, str | float | int) else ""
    return f"  {where}{': ' if where else ''}{text}{told}"


def load_costs(path: str | Path | None = None, **settings: Mapping[str, Any]) -> Costs:
    """Costs from a TOML file, or none, with some settings put over those of the file.

    Parameters
    ----------
    path : str or Path, optional
        The top of this module has an example.
    **settings : mapping
        Tables, such as ``hardware={"devices": 512}``; None leaves what the file says.

    Raises
    ------
    InputError
        The file cannot be read, or `read_costs` refuses it.
    """
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"cannot read costs from {str(path)!r}: {error}") from error
    for name, own in settings.items():
        over = {key: value for key, value in own.items() if value is not None}
        below = tables.get(name, {})
        if isinstance(below, dict):
            tables[name] = {**_without_figures(below, over), **over}
    return read_costs(tables, source="costs" if path is None else str(path))


def _without_figures(below: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """What a file says, without the figures of a device that another one takes the place of."""
    dropped = ("peak_flops", "memory") if "name" in over else ()
    return {key: value for key, value in below.items() if key not in dropped}


def with_inference(costs: Costs, tokens: Any) -> Costs:
    """The same with so many tokens of inference, prompt and output in the same proportion.

    Raises
    ------
    InputError
        It is not a number of tokens, or a negative one.
    """
    total, was = parse_quantity(tokens), costs.inference
    prompt = total * was.prompt_tokens / was.tokens if was.tokens else 0.0
    given = {"prompt_tokens": prompt, "output_tokens": total - prompt}
    return read_costs({**costs.model_dump(), "inference": {**was.model_dump(), **given}})
