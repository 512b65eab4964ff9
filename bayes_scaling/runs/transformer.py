"""A transformer's shape -> what it counts as parameters and as training compute.

Kaplan et al. 2020 (arXiv:2001.08361) leave embeddings and the last layer out of N; Hoffmann et al.
2022 (arXiv:2203.15556) leave nothing out. The same losses against the one N or the other give
different exponents (Porian et al. 2024, arXiv:2406.19146; Pearce and Song 2024, arXiv:2406.12907).
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.flops import FLOPS_PER_PARAM_TOKEN

__all__ = ["CountedFlops", "CountedParams", "Transformer"]

Floats = npt.NDArray[np.float64]

CountedParams = Literal["total", "non-embedding", "with-head", "active"]
CountedFlops = Literal["6ND", "6ND-non-embedding", "kaplan", "hoffmann"]

_FORWARD_AND_BACKWARD = 3
"""A backward pass costs two forward passes (Kaplan et al. 2020, section 2.1)."""
_SIZES = ("depth", "width", "vocabulary", "context", "heads", "experts", "active_experts")
_OPTIONAL_SIZES = ("ff_width", "head_width", "kv_heads")


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """The shape of a decoder-only transformer.

    Sizes left at None follow from the others, also in a copy made by `dataclasses.replace`.

    Attributes
    ----------
    depth, width
        Layers, and the width of the residual stream (n_layer and d_model).
    vocabulary, context
        Tokens of the vocabulary, and of a training sequence.
    heads
        Query heads.
    ff_width
        Width of the feed-forward block, of one expert if there are several; 4 x width if None.
    head_width
        Width of a head; width / heads if None.
    kv_heads
        Heads of keys and values, a divisor of `heads` (grouped-query attention); `heads` if None.
    gated_ff
        Whether the feed-forward block has a third matrix (SwiGLU and its like).
    tied_head
        Whether the last layer is the transposed embedding.
    learned_positions
        Whether each position has a vector of its own. Relative positions with weights of their
        own (Transformer-XL, Gopher) are not described by these shapes.
    experts, active_experts
        Feed-forward blocks of a layer, and how many of them a token passes through.

    Raises
    ------
    InputError
        If sizes are not positive whole numbers, or do not go together; names every problem.

    Examples
    --------
    >>> gpt3 = Transformer(
    ...     depth=96, width=12288, vocabulary=50257, context=2048, heads=96, learned_positions=True
    ... )
    >>> f"{gpt3.params():.4g}"
    '1.746e+11'
    >>> f"{gpt3.training_flops(300e9):.3g}"
    '3.14e+23'
    """

    depth: int
    width: int
    vocabulary: int
    context: int
    heads: int
    ff_width: int | None = None
    head_width: int | None = None
    kv_heads: int | None = None
    gated_ff: bool = False
    tied_head: bool = True
    learned_positions: bool = False
    experts: int = 1
    active_experts: int = 1

    def __post_init__(self) -> None:
        if problems := self._bad_sizes() or self._bad_combinations():
            raise InputError(f"not the shape of a transformer: {'; '.join(problems)}")

    @property
    def attention_width(self) -> int:
        """All heads together (d_attn)."""
        return self.heads * (self.head_width or self.width // self.heads)

    def params(self, counting: CountedParams = "total") -> int:
        """Count the parameters.

        Parameters
        ----------
        counting
            "total": all. "non-embedding": without embeddings of tokens and positions and without
            the last layer, Kaplan's 2 depth width (2 d_attn + ff_width) in a plain model.
            "with-head": these and one vocabulary x width matrix. "active": total, but of the
            experts only those that a token passes through.

        Returns
        -------
        int
            Weights of matrices. Norms and biases are not counted: they are about 0.1 % of a model
            of 100M parameters, and less of a larger one. Where there are experts, the router is.

        Raises
        ------
        InputError
            If the counting is not a known one.
        """
        table = self.vocabulary * self.width
        positions = self.context * self.width if self.learned_positions else 0
        ends = (1 if self.tied_head else 2) * table + positions
        body = self.depth * self._layer_params(self.experts)
        counts = {
            "total": body + ends,
            "non-embedding": body,
            "with-head": body + table,
            "active": self._active_body() + ends,
        }
        return _count(counts, "counting of parameters", counting)

    def flops_per_token(self, counting: CountedFlops = "6ND") -> int:
        """Count the FLOPs that training spends on one token, a multiply-add being two.

        Parameters
        ----------
        counting
            "6ND": 6 x parameters, of experts the active ones, as a token meets no others.
            "6ND-non-embedding": the same without embeddings and last layer, Kaplan's C.
            "kaplan": 3 x (2 N + 2 depth context d_attn) with N non-embedding and active, equation
            2.2 of Kaplan et al. 2020: half of the attention below, as if masked keys cost nothing.
            "hoffmann": Appendix F of Hoffmann et al. 2022: embeddings, projections, attention to
            the whole context, softmax, feed-forward and last layer, backwards twice forwards.
            Table A4 there is met only without embeddings and last layer, which its text includes.

        Returns
        -------
        int
            FLOPs. Recomputed activations (a fourth forward pass) are not counted.

        Raises
        ------
        InputError
            If the counting is not a known one.
        """
        six = int(FLOPS_PER_PARAM_TOKEN)
        counts = {
            "6ND": six * self.params("active"),
            "6ND-non-embedding": six * self._active_body(),
            "kaplan": _FORWARD_AND_BACKWARD * self._kaplan_forward(),
            "hoffmann": _FORWARD_AND_BACKWARD * self._hoffmann_forward(),
        }
        return _count(counts, "counting of FLOPs", counting)

    @overload
    def training_flops(self, tokens: float, counting: CountedFlops = "6ND") -> float: ...
    @overload
    def training_flops(self, tokens: Floats, counting: CountedFlops = "6ND") -> Floats: ...
    def training_flops(
        self, tokens: float | Floats, counting: CountedFlops = "6ND"
    ) -> float | Floats:
        """Training compute C.

        Parameters
        ----------
        tokens
            D, tokens seen, repeats counted; any shape.
        counting
            As for `flops_per_token`.

        Returns
        -------
        float or array
            FLOPs, shaped like `tokens`.

        Raises
        ------
        InputError
            If the counting is not a known one.
        """
        return float(self.flops_per_token(counting)) * tokens

    def _layer_params(self, experts: int) -> int:
        head = self.head_width or self.width // self.heads
        attention = 2 * self.width * head * (self.heads + (self.kv_heads or self.heads))
        matrices = 3 if self.gated_ff else 2
        feed_forward = matrices * self.width * (self.ff_width or 4 * self.width)
        router = self.width * self.experts if self.experts > 1 else 0
        return attention + experts * feed_forward + router

    def _active_body(self) -> int:
        return self.depth * self._layer_params(self.active_experts)

    def _kaplan_forward(self) -> int:
        return 2 * self._active_body() + 2 * self.depth * self.context * self.attention_width

    def _hoffmann_forward(self) -> int:
        embeddings = logits = 2 * self.vocabulary * self.width
        # Projections, feed-forward and router cost two FLOPs a weight.
        matrices = 2 * self._layer_params(self.active_experts)
        key_query = reductions = 2 * self.context * self.attention_width
        softmax = 3 * self.heads * self.context
        layer = matrices + key_query + softmax + reductions
        return embeddings + self.depth * layer + logits

    def _bad_sizes(self) -> list[str]:
        given = [name for name in _OPTIONAL_SIZES if getattr(self, name) is not None]
        return [
            f"{name} is {getattr(self, name)!r}, expected a whole number of at least 1"
            for name in (*_SIZES, *given)
            if not _is_size(getattr(self, name))
        ]

    def _bad_combinations(self) -> list[str]:
        problems = []
        if self.head_width is None and self.width % self.heads:
            problems.append(
                f"width {self.width} is not a multiple of heads {self.heads}: give head_width"
            )
        if self.heads % (self.kv_heads or self.heads):
            problems.append(
                f"kv_heads is {self.kv_heads}, expected a divisor of heads {self.heads}"
            )
        if self.active_experts > self.experts:
            problems.append(
                f"active_experts is {self.active_experts}, expected at most experts {self.experts}"
            )
        return problems


def _is_size(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _count(counts: dict[str, int], what: str, counting: str) -> int:
    if counting not in counts:
        raise InputError(unknown_name(what, counting, counts))
    return counts[counting]
