"""Figures as data URIs, so that a page holds them."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bayes_scaling.figures.style import SETTINGS, grid_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FULL", "HALF", "Picture", "panels", "picture", "whole"]

HEAVY = 220_000
"""Bytes beyond which a vector picture is drawn as pixels instead."""

PIXELS = 130
HALF, FULL = (5.2, 3.9), (8.6, 4.6)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as a data URI, its alternative text, its caption, and whether it is a wide one."""

    uri: str
    alt: str
    caption: str
    wide: bool = False


def picture(draw: Callable[..., Any], size: tuple[float, float], alt: str, caption: str) -> Picture:
    """A figure of one plot, which `draw` makes on the axes that it is given."""
    return whole(lambda figure: draw(figure.add_subplot()), size, alt, caption)


def panels(
    draw: Callable[..., Any], n: int, panel: tuple[float, float], alt: str, caption: str
) -> Picture:
    """A figure of `n` plots, each as large as `panel`."""
    # A last row of a single panel would look lost.
    columns = min(n, 3 if n % 4 == 1 else 4)
    size = (panel[0] * columns, panel[1] * -(-n // columns))
    return whole(lambda figure: draw(grid_of(figure, n, columns)), size, alt, caption, wide=True)


def whole(
    draw: Callable[..., Any],
    size: tuple[float, float],
    alt: str,
    caption: str,
    *,
    wide: bool | None = None,
) -> Picture:
    """A figure that `draw` fills; one wider than half a page is a wide one unless said."""
    wide = size[0] > HALF[0] if wide is None else wide
    return Picture(uri=_uri(size, draw), alt=alt, caption=caption, wide=wide)


def _uri(size: tuple[float, float], draw: Callable[[Figure], Any]) -> str:
    """A figure as a picture that a page can hold: vectors, or pixels if those are lighter."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {**SETTINGS, "svg.fonttype": "path", "svg.hashsalt": "bayes-scaling"}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A group's name may use a script that the figure's font lacks; the tables have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        data, kind = _vectors(figure), "svg+xml"
        if len(data) > HEAVY:
            data, kind = _pixels(figure), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _vectors(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=PIXELS, metadata={"Date": None})
    return buffer.getvalue()


def _pixels(figure: Figure) -> bytes:
    """As PNG with a palette of 256 colours, a third of the size of one without."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=PIXELS)
    with Image.open(full) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG")
    return small.getvalue()
