"""What N counts and what C counts, which moves a fitted exponent by more than most laws differ.

Counting N without embeddings alone moved the exponent a from 0.59 to 0.76 on the same losses, and
leaving out the last layer's FLOPs from 0.60 to 0.71 (Porian et al. 2024, arXiv:2406.19146).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from bayes_scaling.errors import InputError, unknown_name

__all__ = ["AS_GIVEN", "Counting", "FlopsCounting", "ParamsCounting"]

ParamsCounting = Literal["as given", "total", "non-embedding", "with-head", "active"]
FlopsCounting = Literal["as given", "6ND", "6ND-non-embedding", "kaplan", "hoffmann"]
AS_GIVEN: Final = "as given"

SIX_ND = 0.01
"""Relative difference up to which the compute of a table is 6 N D."""


@dataclass(frozen=True, kw_only=True)
class Counting:
    """What the parameters and the compute of a table count.

    Parameters
    ----------
    params : {"as given", "total", "non-embedding", "with-head", "active"}
        All parameters; those without embeddings; these and the last layer; those that a token
        passes through; or what the table holds, whatever it is.
    flops : {"as given", "6ND", "6ND-non-embedding", "kaplan", "hoffmann"}
        Six FLOPs a parameter and token, in the parameters above; in those without embeddings; with
        attention (Kaplan et al. 2020) or with all matrices (Hoffmann et al. 2022), as
        `Transformer.training_flops` counts them; or what the table holds, whatever it is.
    """

    params: ParamsCounting = AS_GIVEN
    flops: FlopsCounting = AS_GIVEN

    def __post_init__(self) -> None:
        if self.params not in get_args(ParamsCounting):
            raise InputError(
                unknown_name("counting of parameters", self.params, get_args(ParamsCounting))
            )
        if self.flops not in get_args(FlopsCounting):
            raise InputError(
                unknown_name("counting of compute", self.flops, get_args(FlopsCounting))
            )

    def __str__(self) -> str:
        return f"N {self.params}, C {self.flops}"
