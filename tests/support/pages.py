"""`visit()` and `submit()`: walk the site as a browser does, and lint every page on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from rdv.models import User
from tests.make import PASSWORD
from tests.support.dom import Node, parse
from tests.support.lint import lint

# What a browser sends with a form of our own pages.
SAME_SITE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
REDIRECTIONS = (301, 302, 303, 307, 308)


class Page:
    """An answer. For HTML: `text`, `title`, `h1`, `one()`, `all()`, `errors`, `link()`; always `status`, `path`, `response`."""

    def __init__(self, response: TestResponse, quoted: Iterable[str] = (), checked: bool = True) -> None:
        self.response = response
        self.status = response.status_code
        self.url = response.request.full_path.rstrip("?") if response.request.query_string else response.request.path
        self.path = response.request.path
        self.html = (
            response.get_data(as_text=True) if not response.is_streamed or response.mimetype.startswith("text") else ""
        )
        self.root = Node("#document", {}, None)
        redirection = self.status in REDIRECTIONS  # Werkzeug's own words, that nobody sees
        if response.mimetype == "text/html" and self.html and not redirection:
            if checked:
                problems = lint(self.html, self.path, quoted)
                assert not problems, f"{self.path} ({self.status}):\n  " + "\n  ".join(problems)
            self.root, _, _ = parse(self.html)

    @property
    def text(self) -> str:
        """Every word of the page, ordinary spaces, one line a block."""
        return self.root.text

    @property
    def title(self) -> str:
        """Words of <title>."""
        return self.root.one("head title").text

    @property
    def h1(self) -> str:
        """Words of <h1>."""
        return self.root.one("h1").text

    @property
    def errors(self) -> list[str]:
        """What the page refuses: field errors and error alerts."""
        return [node.text for node in self.root.all(".fr-error-text, .fr-message--error, .fr-alert--error")]

    def all(self, selector: str) -> list[Node]:
        """Return the elements that match."""
        return self.root.all(selector)

    def one(self, selector: str) -> Node:
        """Return the only element that matches."""
        return self.root.one(selector)

    def links(self, words: str = "") -> list[str]:
        """Return the addresses of links whose words contain these."""
        return [node.get("href") for node in self.root.all("a[href]") if words in node.text]

    def link(self, words: str) -> str:
        """Return the address of the only link with these words."""
        found = sorted(set(self.links(words)))
        assert len(found) == 1, f"{len(found)} links « {words} »: {found} among {[n.text for n in self.all('a')]}"
        return found[0]

    def form(self, form: str | int | None = None) -> Node:
        """Return a form: the only one that posts (sign-out aside), or by index, id, part of its action, or words."""
        forms = self.root.all("form")
        if isinstance(form, int):
            return forms[form]
        if form is None:
            found = [
                each
                for each in forms
                if each.get("method").lower() == "post" and "deconnexion" not in each.get("action")
            ]
        else:
            found = [each for each in forms if each.get("id") == form]
            found = found or [each for each in forms if form in each.get("action")]
            found = found or [each for each in forms if form in each.text]
        assert len(found) == 1, f"{len(found)} forms for {form!r} on {self.path}: {forms}"
        return found[0]

    def fields(self, form: str | int | None = None) -> dict[str, list[str]]:
        """Return what the browser would send if nothing were touched."""
        return _values(self.form(form))


def visit(
    client: FlaskClient, url: str, status: int = 200, follow: bool = False, quoted: Iterable[str] = (),
    checked: bool = True, **options: Any,
) -> Page:  # fmt: skip
    """GET a page, expect this status, lint it. `quoted`: words typed by a person that the page repeats as they are."""
    page = Page(client.get(url, **options), quoted, checked)
    if follow:
        page = _followed(client, page, quoted, checked)
    assert page.status == status, (
        f"{url}: {page.status} instead of {status}, {page.response.location or page.text[:400]}"
    )
    return page


def submit(
    client: FlaskClient, page: Page, form: str | int | None = None, button: str | None = None, status: int = 200,
    follow: bool = True, quoted: Iterable[str] = (), checked: bool = True, headers: dict[str, str] | None = None,
    **fields: Any,
) -> Page:  # fmt: skip
    """Fill a form of the page, send it as a browser does, follow the redirection, lint what comes.

    Fields not given keep the page's value; None leaves one out; a list gives several. A name or a choice that the form
    does not offer is an error of the test. `button`: words of the button pressed. Dashes in names: `**{"a-b": 1}`.
    """
    node = page.form(form)
    values = _values(node)
    offered = _offered(node)
    for name, value in fields.items():
        assert name in offered, f"no field {name!r} in {node!r}: {sorted(offered)}"
        sent = (
            []
            if value is None
            else [str(each) for each in value]
            if isinstance(value, list | tuple | set)
            else [str(value)]
        )
        choices = offered[name]
        assert choices is None or set(sent) <= choices, f"{name}={sent} is not offered: {sorted(choices or ())}"
        values[name] = sent
    pressed = _pressed(node, button)
    if pressed is not None and pressed.get("name"):
        values.setdefault(pressed.get("name"), []).append(pressed.get("value"))
    action = (pressed.get("formaction") if pressed is not None else "") or node.get("action") or page.url
    target = urljoin(page.url, action)
    if node.get("method").lower() == "post":
        sent_headers = {**SAME_SITE, "Referer": f"http://localhost{page.url}", **(headers or {})}
        response = client.post(target, data=values, headers=sent_headers)
    else:
        response = client.get(target.split("?")[0], query_string=values, headers=headers)
    answer = Page(response, quoted, checked)
    if follow:
        answer = _followed(client, answer, quoted, checked)
    told = answer.errors or answer.response.location or answer.text[:400]
    assert answer.status == status, f"{target}: {answer.status} instead of {status}, {told}"
    return answer


def sign_in(client: FlaskClient, user: User, password: str = PASSWORD) -> None:
    """Sign in by the form, as the staff does; the dashboard is not opened."""
    answer = submit(client, visit(client, "/connexion"), follow=False, status=303, email=user.email, password=password)
    assert answer.response.location != "/connexion", answer.errors


def _followed(client: FlaskClient, page: Page, quoted: Iterable[str], checked: bool) -> Page:
    for _ in range(5):
        if page.status not in REDIRECTIONS:
            return page
        target = urljoin("http://localhost" + page.url, page.response.location or "")
        parts = urlsplit(target)
        if parts.netloc != "localhost":
            return page
        page = Page(client.get(parts.path + (f"?{parts.query}" if parts.query else "")), quoted, checked)
    raise AssertionError(f"redirections without end at {page.path}")


def _controls(form: Node) -> list[Node]:
    disabled = {id(node) for fieldset in form.all("fieldset[disabled]") for node in fieldset.walk()}
    found = form.all("input, select, textarea")
    identifier = form.get("id")
    if identifier:
        root = form
        while root.parent is not None:
            root = root.parent
        found += [node for node in root.all("input, select, textarea") if node.get("form") == identifier]
    return [node for node in found if node.get("name") and not node.has("disabled") and id(node) not in disabled]


def _values(form: Node) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for node in _controls(form):
        name = node.get("name")
        if node.tag == "select":
            options = node.all("option")
            chosen = [option for option in options if option.has("selected")]
            if not chosen and options and not node.has("multiple"):
                chosen = options[:1]
            values.setdefault(name, []).extend(_option_value(option) for option in chosen)
        elif node.tag == "textarea":
            text = "".join(child for child in node.children if isinstance(child, str))
            values.setdefault(name, []).append(text.replace("\r\n", "\n").removeprefix("\n"))
        elif node.get("type") in ("checkbox", "radio"):
            if node.has("checked"):
                values.setdefault(name, []).append(node.get("value", "on"))
        elif node.get("type") not in ("submit", "button", "reset", "image", "file"):
            values.setdefault(name, []).append(node.get("value"))
    return values


def _offered(form: Node) -> dict[str, set[str] | None]:
    """The names that can be sent; None: any text; else the closed list of choices."""
    offered: dict[str, set[str] | None] = {}
    for node in _controls(form):
        name = node.get("name")
        if node.tag == "select":
            choices = {_option_value(option) for option in node.all("option")}
        elif node.get("type") in ("checkbox", "radio"):
            choices = {node.get("value", "on")}
        else:
            offered[name] = None
            continue
        known = offered.setdefault(name, set())
        if known is not None:
            known |= choices
    return offered


def _option_value(option: Node) -> str:
    return option.get("value") if option.has("value") else option.text


def _pressed(form: Node, words: str | None) -> Node | None:
    buttons = [
        node for node in form.all("button, input")
        if node.get("type") == "submit" or (node.tag == "button" and not node.get("type"))
    ]  # fmt: skip
    if words is None:
        return buttons[0] if buttons else None
    found = [node for node in buttons if words in (node.text or node.get("value"))]
    assert len(found) == 1, f"{len(found)} buttons « {words} » among {[node.text for node in buttons]}"
    return found[0]
