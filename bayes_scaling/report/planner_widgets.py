"""Controls and plots of the interactive planner, as Bokeh models that compute in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_scaling.decisions.cost_parts import Hardware, Limits
from bayes_scaling.decisions.costs import Costs
from bayes_scaling.decisions.hardware import list_hardware
from bayes_scaling.decisions.risk import MEAN, Risk
from bayes_scaling.report.planner_plots import EMPTY, growth, shown, valley
from bayes_scaling.units import format_quantity

if TYPE_CHECKING:
    from bokeh.models.widgets import Select, Slider, Spinner, TextInput, Widget

__all__ = ["Question", "build"]

Array = NDArray[np.float32]

FOLDER = Path(__file__).parent
STEP = 0.01
"""Of the logarithmic sliders, in decades."""

NO_INFERENCE, MOST_INFERENCE = 9.0, 16.0
"""Ends of the slider of inference tokens, as powers of ten; the left one stands for none."""

FIRST_DEVICE, UTILISATION, DEVICES = "h100-sxm", 0.4, 1024
"""Where the controls of the hardware stand unless told: the page says that they are to be set."""

LEVEL = 0.9
LIMITS = {
    "max_params": "At most parameters",
    "max_tokens": "At most tokens",
    "max_days": "At most days of training",
    "max_money": "At most money",
}
"""Limits by the names that they have in `Costs`, and what stands over them."""

RISKS = {
    "mean": "the expected loss",
    "quantile": "a quantile of the loss",
    "cvar": "the mean of the worst losses (CVaR)",
}
BEYOND = {"drift": "the law drifts (default)", "law": "the law is the truth"}
OWN = "own"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the page starts from.

    Attributes
    ----------
    names : sequence of str
        Groups, the first one shown at first.
    draws : sequence of mapping of str to array of shape (draw,)
        Columns of each group's draws.
    edges : sequence of float or None
        Log compute where the drift of each group begins.
    log_budget : float
        Budget at first, as a power of ten.
    span : tuple of float
        Least and largest budget, as powers of ten.
    runs : mapping of str to float
        Largest compute (``flops``), and least ``params`` and ``tokens`` of the runs.
    prob : float
        Probability of the intervals.
    costs : Costs
        Inference, hardware and limits at first.
    risk : Risk
        What is minimised at first.
    """

    names: Sequence[str]
    draws: Sequence[Mapping[str, Array]]
    edges: Sequence[float | None]
    log_budget: float
    span: tuple[float, float]
    runs: Mapping[str, float]
    prob: float
    costs: Costs = field(default_factory=Costs)
    risk: Risk = MEAN


def build(question: Question) -> dict[str, Any]:
    """Roots to embed: each control by its name, and the figures ``valley`` and ``growth``."""
    from bokeh.models import ColumnDataSource, CustomJS

    controls = _controls(question)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in EMPTY.items()}
    given = {
        "controls": controls,
        "draws": [ColumnDataSource(dict(each)) for each in question.draws],
        "edges": list(question.edges),
        "names": list(question.names),
        "runs": ColumnDataSource({key: [value] for key, value in question.runs.items()}),
        "prob": question.prob,
    }
    sources["growth"].tags = [""]
    code = (FOLDER / "planner_page.js").read_text(encoding="utf-8")
    react = CustomJS(args={**given, **sources}, code=code)
    for control in filter(None, controls.values()):
        control.js_on_change("value", react)
    plots = {"valley": valley(sources), "growth": growth(sources)}
    # The first answer comes with the first drawing of the page.
    plots["valley"].js_on_change("inner_width", react)
    return {**{name: each for name, each in controls.items() if each}, **plots}


def _controls(question: Question) -> dict[str, Widget | None]:
    """Every control by its name; None where there is nothing to choose."""
    several = len(question.names) > 1
    drifts = any(edge is not None for edge in question.edges)
    controls: dict[str, Widget | None] = {
        "group": _select("Group", {name: name for name in question.names}) if several else None,
        "budget": _budget(question),
        "inference": _inference(question.costs.inference.tokens),
        "risk": _select("The plan minimises", RISKS, question.risk.kind),
        "level": _percent("Level of the quantile or CVaR", question.risk.level or LEVEL, 50, 99),
        "drift": _select("Beyond the runs", BEYOND) if drifts else None,
        **{name: _limit(question.costs.limits, name) for name in LIMITS},
        **_hardware(question.costs),
    }
    for name, control in controls.items():
        if control is not None:
            control.update(name=name, sizing_mode="stretch_width", min_width=0)
    return controls


def _select(title: str, choices: Mapping[str, str], value: str | None = None) -> Select:
    """A choice of one, the first unless told otherwise."""
    from bokeh.models.widgets import Select

    options: list[str | tuple[Any, str]] = list(choices.items())
    return Select(title=title, value=value or next(iter(choices)), options=options)


def _percent(title: str, share: float, start: int, end: int) -> Slider:
    """A share in percent; where it may be zero, that stands for the share of training."""
    none = 'tick < 1 ? "as in training" : ' if start == 0 else ""
    written = shown(f"return {none}`${{Number(tick.toFixed(1))}} %`")
    low, high = min(start, 100 * share), max(end, 100 * share)
    return _through(title, 100 * share, (low, high), 1.0, written)


def _through(title: str, value: float, span: tuple[float, float], step: float, form: Any) -> Slider:
    """A slider whose steps are counted from its first value, so that it stands there."""
    from bokeh.models.widgets import Slider

    below, above = (np.ceil(round(abs(value - end) / step, 6)) for end in span)
    start, end = value - step * below, value + step * above
    return Slider(title=title, value=value, start=start, end=end, step=step, format=form)


def _budget(question: Question) -> Slider:
    form = shown("return `${planner.formatQuantity(10 ** tick)} FLOPs`")
    return _through("Budget", question.log_budget, question.span, STEP, form)


def _inference(tokens: float) -> Slider:
    code = """
const tokens = planner.inferenceTokens(tick);
return tokens === 0 ? "none" : `${planner.formatQuantity(tokens)} tokens`;
"""
    value = max(NO_INFERENCE, np.log10(tokens)) if tokens > 0 else NO_INFERENCE
    span = (NO_INFERENCE, max(MOST_INFERENCE, value))
    return _through("Inference, paid from the budget", value, span, STEP, shown(code))


def _limit(limits: Limits, name: str) -> TextInput:
    from bokeh.models.widgets import TextInput

    stated = getattr(limits, name)
    value = "" if stated is None else format_quantity(stated, 12)
    return TextInput(title=LIMITS[name], value=value, placeholder="no limit")


def _hardware(costs: Costs) -> dict[str, Widget]:
    """Choice of a device, which sets the peak, and what is the reader's own."""
    from bokeh.models.widgets import Spinner

    known = {each.name: each for each in list_hardware()}
    titles = {name: each.title for name, each in known.items()} | {OWN: "another (set its peak)"}
    peaks = {name: each.peak_flops / 1e12 for name, each in known.items()}
    own = costs.hardware
    value = peaks[FIRST_DEVICE] if own.peak_flops is None else own.peak_flops / 1e12
    device = _select("Device", titles, _device(own, value, peaks))
    peak = Spinner(title="Its peak, TFLOP/s", value=value, low=0, step=1)
    _keep_together(device, peak, peaks)
    utilisation = own.utilisation or UTILISATION
    return {
        "device": device,
        "peak": peak,
        "utilisation": _percent("Utilisation (MFU)", utilisation, 1, 100),
        "inference_utilisation": _percent(
            "Utilisation in inference", costs.inference_utilisation or 0.0, 0, 100
        ),
        "devices": Spinner(
            title="Devices", value=own.devices or DEVICES, low=1, step=1, mode="int"
        ),
        "price": Spinner(title="Price of a device hour", value=own.price, low=0, step=0.1),
    }


def _device(own: Hardware, peak: float, peaks: Mapping[str, float]) -> str:
    """Name of the device that has the peak; the one that was named, if it is of several."""
    of = own.name or FIRST_DEVICE
    return of if peaks.get(of) == peak else OWN


def _keep_together(device: Select, peak: Spinner, peaks: Mapping[str, float]) -> None:
    """A device sets the peak; a peak of the reader's own is of another device."""
    from bokeh.models import CustomJS

    known = {"names": list(peaks), "peaks": list(peaks.values())}
    chosen = "const at = names.indexOf(device.value); if (at >= 0) peak.value = peaks[at];"
    typed = f"if (peaks[names.indexOf(device.value)] !== peak.value) device.value = '{OWN}';"
    for control, code in ((device, chosen), (peak, typed)):
        args = {**known, "device": device, "peak": peak}
        control.js_on_change("value", CustomJS(args=args, code=code))
