"""What every page must respect: structure, accessibility, no inline code, nothing from elsewhere, French typography."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.support.dom import Node, parse

_NO_LABEL = ("hidden", "submit", "button", "reset", "image")
_ENGLISH = re.compile(
    r"\b(Submit|Cancel|Save|Delete|Edit|Create|Sign in|Sign out|Log ?in|Log ?out|Password|Username|Error|Not Found|Forbidden"
    r"|Bad Request|Internal Server|This field|Field must|Invalid|Please|Required|Home|Next|Previous|Search|Choose|Select|Welcome"
    r"|Upload|Loading|undefined|NaN|null|Traceback|Lorem ipsum|TODO|adviser|manager|callback|waiting_candidate|in_progress"
    r"|no_show|on_site)\b"
)
_TYPOGRAPHY = (
    (re.compile(r".{0,20} [?!:;](?![\w(/-]).{0,10}"), "ordinary space before a double sign: use a no-break one"),
    (re.compile(r".{0,20}[^\W\d_]'[^\W\d_].{0,10}"), "straight apostrophe: use ’"),
    (re.compile(r".{0,20}« .{0,10}|.{0,20} ».{0,10}"), "ordinary space inside « »: use a no-break one"),
    (re.compile(r".{0,20}[^\W\d_]\.\.\.(?!\w).{0,10}"), "three dots: use …"),
)
_LEFTOVERS = (
    (re.compile(r".{0,20}\b(None|True|False)\b.{0,20}"), "a Python word"),
    (re.compile(r".{0,20}(\{\{|\}\}|\{%|%\}).{0,20}"), "template syntax"),
    (re.compile(r".{0,20}( object at 0x|<[A-Z]\w+ \d+>|datetime\.).{0,20}"), "a Python object"),
    (re.compile(r".{0,20}\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2})?.{0,10}"), "a machine's date"),
)


def lint(html: str, path: str = "/", quoted: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with a page. `quoted`: words of a person that the page repeats as they were typed."""
    root, found, doctype = parse(html)
    if doctype.lower() != "doctype html":
        found.append("the page does not begin with <!doctype html>")
    for rule in (_structure, _names, _forms, _inline, _addresses):
        found += rule(root, path)
    return found + list(_words(root, tuple(quoted)))


def _structure(root: Node, _path: str) -> Iterator[str]:
    if [node.get("lang") for node in root.all("html")] != ["fr"]:
        yield "<html lang=fr> expected"
    for tag in ("title", "h1", "main"):
        nodes = [node for node in root.all(tag) if not any(outer.tag == "svg" for outer in node.ancestors())]
        if len(nodes) != 1 or not (tag == "main" or nodes[0].text):
            yield f"one <{tag}> with words expected, {len(nodes)} found"
    ids = [node.get("id") for node in root.walk() if node.has("id")]
    yield from (f"id={name!r} stands twice" for name in sorted({name for name in ids if ids.count(name) > 1}))
    for node in root.walk():
        for attribute in (
            "for",
            "aria-describedby",
            "aria-labelledby",
            "aria-controls",
            "list",
            "commandfor",
            "popovertarget",
        ):
            for name in node.get(attribute).split():
                if name not in ids:
                    yield f"{node!r}: {attribute} names an id that does not exist"


def _names(root: Node, _path: str) -> Iterator[str]:
    labelled = {node.get("for") for node in root.all("label") if node.text}
    for node in root.all("input, select, textarea"):
        if node.get("type") in _NO_LABEL:
            continue
        inside = any(outer.tag == "label" and outer.text for outer in node.ancestors())
        if not (inside or node.get("id") in labelled or node.get("aria-label") or node.get("aria-labelledby")):
            yield f"{node!r} has no label"
    for node in root.all("a, button, summary"):
        pictures = " ".join(image.get("alt") for image in node.all("img"))
        if not (node.text or pictures.strip() or node.get("aria-label") or node.get("aria-labelledby")):
            yield f"{node!r} has no words"
    for node in root.all("img"):
        if not node.has("alt"):
            yield f"{node!r} has no alt"
    for node in root.all("table"):
        if not node.all("th"):
            yield f"{node!r} has no header cell"


def _forms(root: Node, _path: str) -> Iterator[str]:
    for form in root.all("form"):
        method = form.get("method").lower()
        names = [node.get("name") for node in form.all("input[type=hidden]") if node.get("value")]
        if method == "post" and not {"csrf_token", "form_token"} & set(names):
            yield f"{form!r} posts without csrf_token or form_token"
        if method not in ("post", "get", "dialog", ""):
            yield f"{form!r}: method?"
        for node in form.all("button"):
            if not node.get("type"):
                yield f"{node!r} has no type"


def _inline(root: Node, path: str) -> Iterator[str]:
    for node in root.walk():
        for attribute in node.attributes:
            if attribute == "style" or attribute.startswith("on"):
                yield f"{node!r}: {attribute}= is refused by the content policy"
        data = node.get("type") in ("application/json", "application/ld+json")
        nonce = path.startswith("/admin") and node.has("nonce")
        if (node.tag == "style" or (node.tag == "script" and not node.get("src") and not data)) and not nonce:
            yield f"{node!r}: inline code is refused by the content policy"
        if node.get("href").lower().startswith("javascript:"):
            yield f"{node!r}: javascript: address"


def _addresses(root: Node, path: str) -> Iterator[str]:
    for node in root.walk():
        target = node.get("href") or node.get("action") or node.get("formaction")
        ours = not path.startswith("/admin") and not re.match(r"(https?:|mailto:|tel:|sms:)", target)
        if ours and (
            re.search(r"/\d+(?=[/#]|$)", target.split("?")[0]) or re.search(r"[?&](\w+_)?id=\d+(&|$)", target)
        ):
            yield f"{node!r}: an integer identifier in an address"
        if target == "#":
            yield f"{node!r}: a link to nowhere"
        loaded = node.get("src") or (node.get("href") if node.tag == "link" and node.get("rel") != "canonical" else "")
        if re.match(r"(https?:)?//", loaded):
            yield f"{node!r}: loaded from another site"
        if node.get("target") == "_blank" and "noopener" not in node.get("rel"):
            yield f"{node!r}: target=_blank without rel=noopener"


def _words(root: Node, quoted: tuple[str, ...]) -> Iterator[str]:
    shown = _shown_words(root)
    for words in quoted:
        shown = shown.replace(words, "")
    for pattern, problem in (*_TYPOGRAPHY, *_LEFTOVERS, (_ENGLISH, "a word that is not French")):
        for match in pattern.finditer(shown):
            yield f"{problem}: {match[0]!r}"


def _shown_words(root: Node) -> str:
    """Text and the attributes that are read, without what a person typed (values, text areas) nor code."""
    lines = []
    for area in root.all("textarea, code, pre, kbd, samp"):
        area.children.clear()
    lines.append(root.raw_text)
    for node in root.walk():
        lines += [node.get(name) for name in ("placeholder", "alt", "title", "aria-label") if node.get(name)]
        if node.tag == "input" and node.get("type") in ("submit", "button", "reset"):
            lines.append(node.get("value"))
        if node.tag == "meta" and node.get("name") == "description":
            lines.append(node.get("content"))
    return "\n".join(lines)
