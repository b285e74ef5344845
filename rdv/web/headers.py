"""Security headers of every answer, and the cookie rule of pages without account."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

# Audiences that never set a cookie (design.md §5.8).
COOKIELESS = ("public", "cfa_link", "feeds", "api", "health", "static")


def csp_nonce() -> str:
    """Return this answer's nonce, made when first asked: a refused CSRF check may come before any hook."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _policy(ours: str = "'self'", ancestors: str = "'none'") -> str:
    return (
        f"default-src 'none'; script-src {ours}; style-src {ours}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {ancestors}"
    )


def framing_policy() -> str:
    """Return the policy of a page that shows our own pages in a frame."""
    return f"{_policy()}; frame-src 'self'"


def framed_policy(ancestors: list[str]) -> str:
    """Return the policy of a page that the pages of these origins may frame, and no other."""
    return _policy(ancestors=" ".join(ancestors))


_ALWAYS = {
    "Content-Security-Policy": _policy(),
    "X-Content-Type-Options": "nosniff",
    # Addresses may hold a signed link: no page of ours tells it to another site.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register(app: Flask) -> None:
    """Add the headers after each answer."""
    always = dict(_ALWAYS)
    if app.config["RDV"].public_url.startswith("https://"):
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        if request.blueprint and request.path.startswith("/admin"):
            headers.setdefault("Content-Security-Policy", _policy(f"'self' 'nonce-{csp_nonce()}'"))
        said = {name.lower() for name, _ in headers}
        headers.extend([(name, value) for name, value in always.items() if name.lower() not in said])
        if request.endpoint != "static" and "cache-control" not in said:
            headers["Cache-Control"] = "no-store"
        if "set-cookie" in said and (request.blueprint or request.endpoint or "").split(".")[0] in COOKIELESS:
            del headers["Set-Cookie"]
        return response
