"""What a model costs over its life: FLOPs, device hours, days and money, and limits on all of them.

A model of N parameters that sees D tokens takes 6 N D FLOPs to train and 2 N for each token that it
reads or writes afterwards, times the share of N that a token passes through (Kaplan et al. 2020,
arXiv:2001.08361, section 2.1; Sardana et al. 2024, arXiv:2401.00448, section 2). Inference is often
done at a lower utilisation than training: *spend* counts its FLOPs by the device time they take,
as FLOPs of training that take as long, so that one number stands for FLOPs, hours and money.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from bayes_scaling.decisions.cost_parts import Hardware, Inference, Limits, Strict, Training
from bayes_scaling.errors import InputError
from bayes_scaling.runs.flops import (
    FLOPS_PER_PARAM_TOKEN,
    non_embedding_params,
    total_params,
    training_flops,
)

__all__ = ["Costs"]

Array = NDArray[np.float64]

FLOPS_PER_INFERRED_TOKEN = 2.0
"""A parameter costs two FLOPs forwards, whether the token is read or written."""

HOUR, DAY = 3600.0, 86400.0


class Costs(Strict):
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
        if made.price is not None:
            self._need("a price of device hours", "peak_flops", "utilisation")
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
    def inference_utilisation(self) -> float | None:
        """Of prompt and output together; None where it is that of training, or there is none."""
        own = self.hardware.utilisation
        if own is None or self.inference_weight == self.inference.tokens:
            return None
        return own * self.inference.tokens / self.inference_weight

    @property
    def max_params(self) -> float | None:
        """The largest size that limits and memory allow; None where nothing limits it."""
        made, most = self.hardware, self.limits.max_params
        if made.bytes_per_param is None or made.memory is None or made.devices is None:
            return most
        fits = made.memory * made.devices / made.bytes_per_param
        return fits if most is None else min(most, fits)

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
