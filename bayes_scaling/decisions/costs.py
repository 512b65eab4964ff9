"""What a model costs over its life: FLOPs, device hours, days and money, and limits on all of them.

A model of N parameters that sees D tokens takes 6 N D FLOPs to train and 2 N for each token that it
reads or writes afterwards, times the share of N that a token passes through (Kaplan et al. 2020,
arXiv:2001.08361, section 2.1; Sardana et al. 2024, arXiv:2401.00448, section 2). Inference is often
done at a lower utilisation than training: *spend* counts its FLOPs by the device time they take,
as FLOPs of training that take as long, so that one number stands for FLOPs, hours and money.

A TOML file states the costs; every table and key may be left out::

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
from typing import Annotated, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bayes_scaling.decisions.hardware import get_accelerator
from bayes_scaling.errors import InputError
from bayes_scaling.runs.flops import (
    FLOPS_PER_PARAM_TOKEN,
    PEARCE_SONG_OMEGA,
    non_embedding_params,
    total_params,
    training_flops,
)
from bayes_scaling.units import parse_quantity

__all__ = ["Costs", "Hardware", "Inference", "Limits", "Training", "load_costs", "read_costs"]

Array = NDArray[np.float64]

FLOPS_PER_INFERRED_TOKEN = 2.0
"""A parameter costs two FLOPs forwards, whether the token is read or written."""

HOUR, DAY = 3600.0, 86400.0

Positive = Annotated[
    float, BeforeValidator(parse_quantity), Field(gt=0, lt=1e40, allow_inf_nan=False)
]
Amount = Annotated[float, BeforeValidator(parse_quantity), Field(ge=0, lt=1e40)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hardware(_Strict):
    """Devices, how fast they are, and what an hour of one costs; a name fills in its figures."""

    name: str | None = None
    peak_flops: Positive | None = None
    memory: Positive | None = None
    devices: Annotated[int, Field(ge=1, lt=10**9)] | None = None
    utilisation: Share | None = None
    price: Positive | None = None
    currency: Annotated[str, Field(min_length=1, max_length=8)] = "USD"
    bytes_per_param: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
            return given
        known = get_accelerator(given["name"])
        figures = {"peak_flops": known.peak_flops, "memory": known.memory}
        return {**figures, **{k: v for k, v in given.items() if v is not None}, "name": known.name}


class Training(_Strict):
    """How FLOPs are counted: the share of N that is active, and whether embeddings take part.

    ``embeddings`` is "added" where the fit counts parameters without embeddings and compute should
    count them, "removed" where it is the other way round (Pearce and Song 2024,
    arXiv:2406.12907, with their omega unless another is given).
    """

    active: Share = 1.0
    embeddings: Literal["as fitted", "added", "removed"] = "as fitted"
    omega: Positive = PEARCE_SONG_OMEGA


class Inference(_Strict):
    """Tokens over the life of the model, and how well the devices are used then."""

    prompt_tokens: Amount = 0.0
    output_tokens: Amount = 0.0
    prompt_utilisation: Share | None = None
    output_utilisation: Share | None = None

    @property
    def tokens(self) -> float:
        """Prompt and output together."""
        return self.prompt_tokens + self.output_tokens


class Limits(_Strict):
    """At most so many parameters, tokens, different tokens, days of training, and money."""

    max_params: Positive | None = None
    max_tokens: Positive | None = None
    unique_tokens: Positive | None = None
    max_days: Positive | None = None
    max_money: Positive | None = None


class Costs(_Strict):
    """What compute costs and what limits a plan; all parts may be left out.

    Attributes
    ----------
    hardware : Hardware
    training : Training
    inference : Inference
    limits : Limits
    """

    hardware: Hardware = Hardware()
    training: Training = Training()
    inference: Inference = Inference()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _complete(self) -> Costs:
        """Refuse what needs a figure that is not there."""
        limits, made, served = self.limits, self.hardware, self.inference
        if limits.max_money is not None:
            self._need("a limit on money", "peak_flops", "utilisation", "price")
        if limits.max_days is not None:
            self._need("a limit on days", "peak_flops", "utilisation", "devices")
        if served.prompt_utilisation or served.output_utilisation:
            self._need("a utilisation of inference", "utilisation")
        if made.bytes_per_param is not None:
            self._need("bytes_per_param, a limit of memory,", "memory", "devices")
        return self

    def _need(self, what: str, *names: str) -> None:
        missing = [name for name in names if getattr(self.hardware, name) is None]
        if missing:
            raise ValueError(f"{what} needs {' and '.join(missing)} of the hardware; state that")

    @property
    def rate(self) -> float | None:
        """FLOPs a second of one device in training; None where the hardware does not tell."""
        peak, share = self.hardware.peak_flops, self.hardware.utilisation
        return None if peak is None or share is None else peak * share

    @property
    def inference_weight(self) -> float:
        """Tokens of inference, each weighted by the device time of a FLOP against training."""
        own, served = self.hardware.utilisation, self.inference
        prompt = 1.0 if own is None else own / (served.prompt_utilisation or own)
        output = 1.0 if own is None else own / (served.output_utilisation or own)
        return prompt * served.prompt_tokens + output * served.output_tokens

    @property
    def max_params(self) -> float | None:
        """The largest size that limits and memory allow; None where nothing limits it."""
        made, most = self.hardware, self.limits.max_params
        if made.bytes_per_param is None or made.memory is None or made.devices is None:
            return most
        fits = made.memory * made.devices / made.bytes_per_param
        return fits if most is None else min(most, fits)

    def with_inference(self, tokens: Any) -> Costs:
        """The same with so many tokens of inference, prompt and output in the same proportion."""
        total, was = parse_quantity(tokens), self.inference
        prompt = total * was.prompt_tokens / was.tokens if was.tokens else 0.0
        given = {"prompt_tokens": prompt, "output_tokens": total - prompt}
        return read_costs({**self.model_dump(), "inference": {**was.model_dump(), **given}})

    def counted(self, params: Array) -> Array:
        """Parameters that compute counts, from those that the fit counts; any shape."""
        how, omega = self.training.embeddings, self.training.omega
        if how == "as fitted":
            return np.asarray(params, dtype=float)
        change = total_params if how == "added" else non_embedding_params
        return np.asarray(change(np.asarray(params, dtype=float), omega=omega))

    def uncounted(self, counted: Array) -> Array:
        """Parameters that the fit counts, from those that compute counts; undoes `counted`."""
        how, omega = self.training.embeddings, self.training.omega
        if how == "as fitted":
            return np.asarray(counted, dtype=float)
        change = non_embedding_params if how == "added" else total_params
        return np.asarray(change(np.asarray(counted, dtype=float), omega=omega))

    @overload
    def training_flops(self, params: float, tokens: float) -> float: ...
    @overload
    def training_flops(self, params: Array, tokens: Array) -> Array: ...
    def training_flops(self, params: float | Array, tokens: float | Array) -> float | Array:
        """FLOPs of training, 6 N D times the active share; any shapes that broadcast."""
        size = self.counted(np.asarray(params))
        flops = np.asarray(training_flops(size, np.asarray(tokens), self.training.active))
        return flops if flops.ndim else float(flops)

    @overload
    def inference_flops(self, params: float) -> float: ...
    @overload
    def inference_flops(self, params: Array) -> Array: ...
    def inference_flops(self, params: float | Array) -> float | Array:
        """FLOPs of inference over the life, 2 N a token times the active share."""
        flops = self._inferring(np.asarray(params), self.inference.tokens)
        return flops if flops.ndim else float(flops)

    def inference_spend(self, params: Array) -> Array:
        """Inference as FLOPs of training that take the devices as long."""
        return self._inferring(params, self.inference_weight)

    def _inferring(self, params: Array, tokens: float) -> Array:
        each = FLOPS_PER_INFERRED_TOKEN * self.training.active * tokens
        return np.asarray(each * self.counted(params))

    def spend(self, params: Array, tokens: Array) -> Array:
        """Training and inference, as FLOPs of training that take the devices as long."""
        return np.asarray(self.training_flops(params, tokens) + self.inference_spend(params))

    def size_for(self, spend: ArrayLike, tokens: float, *, inference: bool = True) -> Array:
        """Size whose training on so many tokens, and inference unless left out, takes a spend."""
        served = FLOPS_PER_INFERRED_TOKEN * self.inference_weight if inference else 0.0
        each = self.training.active * (FLOPS_PER_PARAM_TOKEN * tokens + served)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.asarray(spend, dtype=float) / each
        possible = np.isfinite(sizes) & (sizes > 0)
        return np.where(possible, self.uncounted(np.where(possible, sizes, 1.0)), np.nan)

    def money(self, spend: float) -> float | None:
        """Price of device time, in the currency of the hardware; None without a price or rate."""
        if self.rate is None or self.hardware.price is None:
            return None
        return spend / self.rate / HOUR * self.hardware.price

    def days(self, flops: float) -> float | None:
        """Days that training takes on all devices; None where the hardware does not tell."""
        if self.rate is None or self.hardware.devices is None:
            return None
        return flops / (self.rate * self.hardware.devices) / DAY

    def spend_for(self, money: float) -> float:
        """What an amount of money buys, in FLOPs of training; needs a price and a rate."""
        if self.rate is None or self.hardware.price is None:
            raise InputError("money needs peak_flops, utilisation and price of the hardware")
        return money / self.hardware.price * HOUR * self.rate

    def flops_in(self, days: float) -> float:
        """FLOPs of training that all devices do in so many days; needs devices and a rate."""
        if self.rate is None or self.hardware.devices is None:
            raise InputError("days need peak_flops, utilisation and devices of the hardware")
        return days * DAY * self.rate * self.hardware.devices


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
        problems = [
            f"  {'.'.join(map(str, item['loc']))}: {item['msg']}".replace("  : ", "  ").replace(
                "Value error, ", ""
            )
            + (
                f" (given {item['input']!r})"
                if isinstance(item["input"], str | float | int)
                else ""
            )
            for item in error.errors()
        ]
        raise InputError(f"{source}:\n" + "\n".join(problems)) from error


def load_costs(path: str | Path | None = None, **settings: Mapping[str, Any]) -> Costs:
    """Costs from a TOML file, or none, with some settings put over those of the file.

    Parameters
    ----------
    path : str or Path, optional
        See the top of this module for what it may hold.
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
