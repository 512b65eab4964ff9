"""Plots of the interactive planner: empty ones, which the page fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bokeh.models import ColumnDataSource, CustomJSTickFormatter
    from bokeh.plotting import figure

__all__ = ["EMPTY", "growth", "shown", "valley"]

BLUE, ORANGE = "#0072b2", "#d55e00"

COLUMNS: Final = {
    "valley": ("params", "lower", "median", "upper", "law_lower", "law_upper"),
    "marks": ("params", "loss"),
    "growth": (
        "flops", "params", "tokens", "params_lower", "params_upper", "tokens_lower", "tokens_upper",
    ),
    "now": ("flops", "params", "tokens"),
}  # fmt: skip

EMPTY: Final[dict[str, dict[str, Any]]] = {
    name: {column: [] for column in columns} for name, columns in COLUMNS.items()
}
"""What `planner_page.js` computes: data sources by name, and their columns."""


def shown(code: str) -> CustomJSTickFormatter:
    """How a number, ``tick``, is written: JavaScript that returns text."""
    from bokeh.models import CustomJSTickFormatter

    return CustomJSTickFormatter(code=code)


def _figure(**settings: Any) -> figure:
    from bokeh.plotting import figure

    plot = figure(
        height=340, sizing_mode="stretch_width", toolbar_location=None, tools="",
        background_fill_color=None, border_fill_color=None, **settings,
    )  # fmt: skip
    plot.min_width = 0
    # A frame that is drawn anew leaves the old one where the border is transparent.
    plot.outline_line_color = None
    plot.grid.grid_line_color = "#e4e4e8"
    plot.axis.axis_label_text_font_style = "normal"
    return plot


def _quantities(axis: Any) -> None:
    """Ticks of a logarithmic axis as people write them."""
    axis.formatter = shown("return planner.formatQuantity(tick)")


def valley(sources: Mapping[str, ColumnDataSource]) -> figure:
    """Loss against size at the budget, with its bands and the plan."""
    plot = _figure(
        x_axis_type="log",
        x_axis_label="parameters N",
        y_axis_label="loss (nats per token)",
    )
    band, mark = sources["valley"], sources["marks"]
    plot.varea("params", "lower", "upper", source=band, fill_color=BLUE, fill_alpha=0.2)
    plot.varea("params", "law_lower", "law_upper", source=band, fill_color=BLUE, fill_alpha=0.35)
    plot.line("params", "median", source=band, line_color=BLUE, line_width=2)
    plot.scatter("params", "loss", source=mark, size=11, color=ORANGE, marker="diamond")
    _quantities(plot.xaxis[0])
    return plot


def growth(sources: Mapping[str, ColumnDataSource]) -> figure:
    """Size and tokens of the plan against budget, with bands of the optimum."""
    plot = _figure(
        x_axis_type="log",
        y_axis_type="log",
        x_axis_label="budget (FLOPs)",
        y_axis_label="parameters N, tokens D",
    )
    for name, colour, label in (("params", BLUE, "parameters N"), ("tokens", ORANGE, "tokens D")):
        plot.varea(
            "flops", f"{name}_lower", f"{name}_upper", source=sources["growth"],
            fill_color=colour, fill_alpha=0.2,
        )  # fmt: skip
        plot.line(
            "flops", name, source=sources["growth"], line_color=colour, line_width=2,
            legend_label=label,
        )  # fmt: skip
        plot.scatter("flops", name, source=sources["now"], size=9, color=colour, marker="diamond")
    plot.legend.location = "top_left"
    plot.legend.background_fill_alpha = 0.7
    for axis in (*plot.xaxis, *plot.yaxis):
        _quantities(axis)
    return plot
