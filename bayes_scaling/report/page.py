"""Pages that stand alone: one HTML file, its style and pictures inside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_scaling.inference.storage import replacing

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["render_page", "write_page"]


def render_page(template: str, context: dict[str, Any]) -> str:
    """A template of this folder with its context; all text in it is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    style = (folder / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(style=style, **context)


def _code(text: str) -> Markup:
    """A text, escaped, with what stands between backticks as code."""
    from markupsafe import Markup

    parts = re.split(r"`([^`]+)`", text)
    marked = (Markup("<code>{}</code>").format(part) if i % 2 else part
              for i, part in enumerate(parts))  # fmt: skip
    return Markup("").join(marked)


def write_page(page: str, path: str | Path) -> Path:
    """Write a page; a file that is there is replaced only when it is done.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)
