"""How figures look: colours, markers and sizes, and where new axes come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BAND", "COLOURS", "CONTINUOUS", "INK", "LINES", "MARKERS", "MUTED", "SETTINGS", "SHADE",
    "colour", "line", "marker", "new_axes", "new_grid", "styled",
    "width_in_inches",
]  # fmt: skip

# Okabe and Ito's palette without its yellow, which vanishes on paper; dark ones first.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
CONTINUOUS: Final = "viridis"
INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
BAND: Final = "#0072B2"
SHADE: Final = "#f0e9dc"

SETTINGS: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": "cycler('color', ['#0072B2', '#D55E00', '#009E73', '#CC79A7'])",
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "legend.fontsize": 8.0,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "lines.linewidth": 1.5,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}
"""Settings of matplotlib while a figure is drawn; the reader's own come back afterwards."""


def styled[**P, R](draw: Callable[P, R]) -> Callable[P, R]:
    """Draw with `SETTINGS`, and put the reader's own back; a decorator."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib as mpl

        with mpl.rc_context(SETTINGS):
            return draw(*args, **kwargs)

    return inside


def new_axes(ax: Axes | None, size: tuple[float, float] = (6.4, 4.2)) -> Axes:
    """The axes given, or those of a new pyplot figure, which notebooks show by themselves."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    dress(ax)
    return ax


def new_grid(n: int, columns: int, panel: tuple[float, float]) -> list[Axes]:
    """`n` axes of a new pyplot figure, row by row."""
    import matplotlib.pyplot as plt

    columns = min(columns, n)
    size = (panel[0] * columns, panel[1] * -(-n // columns))
    return grid_of(plt.figure(figsize=size, layout="constrained"), n, columns)


def grid_of(figure: Figure, n: int, columns: int) -> list[Axes]:
    """`n` axes in a figure, row by row."""
    columns = min(columns, n)
    rows = -(-n // columns)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(n)]
    for ax in axes:
        dress(ax)
    return axes


def width_in_inches(ax: Axes) -> float:
    """Width of axes before the layout shrinks them for their labels."""
    return float(ax.get_position().width * ax.figure.get_figure(root=True).get_figwidth())


def dress(ax: Axes) -> None:
    """Ticks as in `SETTINGS`: matplotlib makes them later, when the settings are gone."""
    ax.tick_params(
        which="both",
        color=MUTED,
        labelcolor=INK,
        labelsize=SETTINGS["xtick.labelsize"],
    )


def colour(i: int) -> str:
    """Colour of the i-th group."""
    return COLOURS[i % len(COLOURS)]


def marker(i: int) -> str:
    """Marker of the i-th group; with `colour` the first 63 groups all look different."""
    return MARKERS[i % len(MARKERS)]


def line(i: int) -> Any:
    """Line style of the i-th group."""
    return LINES[i % len(LINES)]
