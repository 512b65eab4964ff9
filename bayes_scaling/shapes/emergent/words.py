"""What an answer about emergence means, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from bayes_scaling.shapes.emergent.result import TaskEmergence

__all__ = ["sentence"]


def sentence(answer: TaskEmergence) -> str:
    """Such as "break 0.98: no power law of the error per token gives this curve; ...".

    Parameters
    ----------
    answer : TaskEmergence
    """
    from bayes_scaling.shapes.emergent.result import RISEN, interval

    p, along = answer.posterior.p_break, answer.task.along
    place = {k: format_quantity(v, 2) for k, v in interval(answer.break_at, answer.prob).items()}
    where = f"near {place['median']} {along} ({place['lower']} to {place['upper']})"
    if answer.verdict == "break":
        return (
            f"break {p:.2f}: the error per token bends, {where}; a smooth law does not give "
            f"this curve ({1 - p:.2f})"
        )
    if answer.verdict == "mirage":
        return (
            f"mirage {1 - p:.2f}: a smooth law of the error per token gives this curve; "
            f"it needs no break ({p:.2f})"
        )
    if answer.p_risen < RISEN:
        return (
            f"undecided: the scores have not risen for sure ({answer.p_risen:.2f}), so that there "
            f"is nothing to explain yet; a break has probability {p:.2f}"
        )
    return f"undecided: a break has probability {p:.2f}; if there is one, it is {where}"
