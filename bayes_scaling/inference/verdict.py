"""What a check of a fit returns: a verdict, a sentence for people, and the numbers behind it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["CheckResult"]


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Verdict of one check.

    Parameters
    ----------
    name : str
        Key, such as ``"r-hat"``.
    passed : bool or None
        None where the check could not be made, or where it weakens the answer without failing.
    fatal : bool
        Whether the posterior must not be used if the check fails.
    text : str
        What was found and what to do, for readers who do not know the sampler.
    values : dict
        Numbers behind the verdict, JSON-compatible.
    """

    name: str
    passed: bool | None
    fatal: bool
    text: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)
