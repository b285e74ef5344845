"""A small tree of an HTML page, from the standard library, with the few CSS selectors that tests need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "button",
        "caption",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "label",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "section",
        "select",
        "summary",
        "table",
        "tbody",
        "td",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
        "br",
        "input",
    ]
)
_STEP = re.compile(r"([a-z0-9]+)?((?:[.#][\w-]+|\[[\w-]+(?:=\"?[^\]\"]*\"?)?\])*)$", re.IGNORECASE)
_PART = re.compile(r"([.#])([\w-]+)|\[([\w-]+)(?:=\"?([^\]\"]*)\"?)?\]")


class Node:
    """An element: its tag, attributes, parent, and children (elements and text)."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Node | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Node | str] = []

    def __repr__(self) -> str:
        shown = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        return f"<{self.tag}{shown}>"

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute's value."""
        return self.attributes.get(name, default)

    def has(self, name: str) -> bool:
        """Say whether the attribute stands, even empty."""
        return name in self.attributes

    def walk(self) -> Iterator[Node]:
        """Yield the elements below, in the order of the page."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    def ancestors(self) -> Iterator[Node]:
        """Yield the elements around, nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def all(self, selector: str) -> list[Node]:
        """Return the elements that match `tag`, `.class`, `#id`, `[attr=value]`, joined, nested by spaces, or listed."""
        choices = [choice.split() for choice in selector.split(",")]
        return [node for node in self.walk() if any(_matches(node, steps) for steps in choices)]

    def one(self, selector: str) -> Node:
        """Return the only element that matches."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} × {selector} in {self!r}"
        return found[0]

    @property
    def raw_text(self) -> str:
        """The text as the browser would flow it: one line a block, no-break spaces kept."""
        pieces: list[str] = []
        self._gather(pieces)
        lines = re.sub(r"[ \t\r\n]+", " ", "".join(pieces)).split("\0")
        return "\n".join(line.strip(" ") for line in lines if line.strip(" "))

    @property
    def text(self) -> str:
        """The same with ordinary spaces instead of no-break ones, easier to compare."""
        return self.raw_text.replace("\u00a0", " ").replace("\u202f", " ")

    def _gather(self, pieces: list[str]) -> None:
        if self.tag in ("script", "style", "template"):
            return
        block = self.tag in BLOCKS
        if block:
            pieces.append("\0")
        for child in self.children:
            if isinstance(child, str):
                pieces.append(child)
            else:
                child._gather(pieces)
        if block:
            pieces.append("\0")


def _matches(node: Node, steps: list[str]) -> bool:
    if not _matches_step(node, steps[-1]):
        return False
    rest = steps[:-1]
    return not rest or any(_matches(ancestor, rest) for ancestor in node.ancestors())


def _matches_step(node: Node, step: str) -> bool:
    match = _STEP.match(step)
    if match is None:
        raise ValueError(f"selector not understood: {step}")
    if match[1] and match[1].lower() != node.tag:
        return False
    for sign, word, attribute, value in _PART.findall(match[2]):
        if sign == "." and word not in node.get("class").split():
            return False
        if sign == "#" and word != node.get("id"):
            return False
        if attribute and not node.has(attribute):
            return False
        if attribute and f"[{attribute}]" not in match[2] and node.get(attribute) != value:
            return False
    return True


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("#document", {}, None)
        self.open = self.root
        self.doctype = ""
        self.problems: list[str] = []

    def handle_decl(self, declaration: str) -> None:
        self.doctype = declaration

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.problems.append(f"<{tag}> repeats an attribute: {sorted(names)}")
        # Their end tags may be left out.
        if tag in ("li", "option", "tr", "td", "th", "dt", "dd", "p") and self.open.tag == tag:
            self.open = self.open.parent or self.root
        node = Node(tag, {name: value or "" for name, value in attributes}, self.open)
        self.open.children.append(node)
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID and self.open.tag == tag:  # <path/> of an SVG
            self.open = self.open.parent or self.root

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        node: Node | None = self.open
        while node is not None and node.tag != tag:
            node = node.parent
        if node is None or node.parent is None:
            self.problems.append(f"</{tag}> closes nothing")
            return
        skipped = self.open
        while skipped is not node:
            if skipped.tag not in ("li", "option", "tr", "td", "th", "dt", "dd", "p", "tbody"):
                self.problems.append(f"</{tag}> comes before </{skipped.tag}>")
            assert skipped.parent is not None
            skipped = skipped.parent
        self.open = node.parent

    def handle_data(self, data: str) -> None:
        self.open.children.append(data)


def parse(html: str) -> tuple[Node, list[str], str]:
    """Return the tree, what is badly nested, and the doctype."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    if builder.open is not builder.root:
        builder.problems.append(f"<{builder.open.tag}> is never closed")
    return builder.root, builder.problems, builder.doctype
