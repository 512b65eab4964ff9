"""What costs are made of: hardware, how compute is counted, inference, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bayes_scaling.decisions.hardware import get_accelerator
from bayes_scaling.runs.flops import PEARCE_SONG_OMEGA
from bayes_scaling.units import parse_quantity

__all__ = ["Hardware", "Inference", "Limits", "Strict", "Training"]

Positive = Annotated[
    float, BeforeValidator(parse_quantity), Field(gt=0, lt=1e40, allow_inf_nan=False)
]
Amount = Annotated[float, BeforeValidator(parse_quantity), Field(ge=0, lt=1e40)]
Share = Annotated[float, Field(gt=0, le=1)]


class Strict(BaseModel):
    """Refuses keys that it does not know; does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hardware(Strict):
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


class Training(Strict):
    """How FLOPs are counted: the share of N that is active, and whether embeddings take part.

    ``embeddings`` is "added" where the fit counts parameters without embeddings and compute should
    count them, "removed" where it is the other way round (Pearce and Song 2024,
    arXiv:2406.12907, with their omega unless another is given).
    """

    active: Share = 1.0
    embeddings: Literal["as fitted", "added", "removed"] = "as fitted"
    omega: Positive = PEARCE_SONG_OMEGA


class Inference(Strict):
    """Tokens over the life of the model, and how well the devices are used then."""

    prompt_tokens: Amount = 0.0
    output_tokens: Amount = 0.0
    prompt_utilisation: Share | None = None
    output_utilisation: Share | None = None

    @property
    def tokens(self) -> float:
        """Prompt and output together."""
        return self.prompt_tokens + self.output_tokens


class Limits(Strict):
    """At most so many parameters, tokens, different tokens, days of training, and money."""

    max_params: Positive | None = None
    max_tokens: Positive | None = None
    unique_tokens: Positive | None = None
    max_days: Positive | None = None
    max_money: Positive | None = None
