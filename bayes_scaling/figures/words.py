"""Text in figures: labels with units, numbers as people write them, user text made harmless."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from bayes_scaling.units import format_quantity

__all__ = ["LABELS", "interval", "plain", "power_of_ten", "quantity", "wrapped"]

LABELS: Final = {
    "params": "model size N (parameters)",
    "tokens": "training tokens D",
    "tokens_per_param": "tokens per parameter D / N",
    "flops": "training compute C (FLOPs)",
    "flops_min": r"minimum compute $C_\mathrm{min}$ (FLOPs)",
    "step": "training steps S",
    "batch_tokens": "batch size B (tokens)",
    "unique_tokens": "different tokens U",
    "aspect_ratio": "aspect ratio, width over depth",
    "loss": "loss (nats per token)",
}
"""Axis label of every quantity."""

LONGEST: Final = 24


def plain(text: str, longest: int = LONGEST) -> str:
    """User text for a label: one line, cut in the middle, never read as mathematics.

    What tells names apart is often at their end, such as the family of a task.
    """
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in str(text))
    visible = " ".join(visible.split()) or "(blank)"
    if len(visible) > longest:
        tail = longest // 3
        visible = f"{visible[: longest - 1 - tail].rstrip()}…{visible[-tail:].lstrip()}"
    # A legend leaves out labels that start with an underscore.
    visible = f" {visible}" if visible.startswith("_") else visible
    return visible.replace("$", r"\$")


def wrapped(text: str, width: int) -> str:
    """Text in lines of at most `width` characters where words allow; mathematics stays whole."""
    lines = [""]
    for word in re.findall(r"(?:\$[^$]*\$|[^\s$])+", text):
        longer = f"{lines[-1]} {word}".strip()
        # What is written as mathematics takes less room than its source.
        if len(re.sub(r"[\\${}]|mathrm|propto", "", longer)) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def interval(prob: float) -> str:
    """Name of an interval, with its probability."""
    return f"{100 * prob:.4g} % credible interval"


def quantity(value: float) -> str:
    """Number of parameters or tokens, such as 70B."""
    return format_quantity(float(value), 2)


def power_of_ten(value: float) -> str:
    """Compute such as 1e20 or 5.8e23."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
