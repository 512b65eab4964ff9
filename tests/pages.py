"""Reports as tests read them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SECTIONS = [
    "answer", "asked", "data", "fit", "parameters", "groups", "decisions", "planner",
    "diagnostics", "card", "versions",
]  # fmt: skip
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Balanced tags, ids, images, tables, and every attribute that loads or leads somewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.ids, self.loads, self.links, self.images = [], [], [], [], []
        self.words, self.tags = [], set()
        self.sections, self.tables, self.headings = {}, {}, []
        self._section, self._table = "", []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        for key, found in (("id", self.ids), ("src", self.loads), ("href", self.links)):
            if key in attributes:
                found.append(attributes[key])
        if tag == "img":
            self.images.append(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self._place(tag, attributes)

    def _place(self, tag, attributes):
        """Note where the words that follow belong."""
        if tag == "section":
            self._section = attributes["id"]
        elif attributes.get("role") == "region":
            self._table = self.tables.setdefault(attributes["aria-label"], [])
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")
        elif tag in ("h2", "h3"):
            self.headings.append("")

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if self.open[-1:] in (["style"], ["script"]):
            return
        self.words.append(data)
        self.sections[self._section] = self.sections.get(self._section, "") + data
        if self.open[-1:] in (["td"], ["th"]):
            self._table[-1][-1] += data
        if self.open[-1:] in (["h2"], ["h3"]):
            self.headings[-1] += data

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def column(self, table: str, head: str) -> list[str]:
        """Cells of a column of the table of that name; the head may be the start of one."""
        heads, *rows = self.tables[table]
        (place,) = [i for i, each in enumerate(heads) if each.startswith(head)]
        return [row[place] for row in rows]
