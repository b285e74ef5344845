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


def _policy() -> str:
    scripts = "'self'"
    styles = "'self'"
    if request.blueprint and request.path.startswith("/admin"):
        scripts = styles = f"'self' 'nonce-{csp_nonce()}'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def register(app: Flask) -> None:
    """Add the headers after each answer."""
    secure = app.config["RDV"].public_url.startswith("https://")

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _policy())
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # Addresses may hold a signed link: no page of ours tells it to another site.
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.endpoint != "static" and "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        if (request.blueprint or request.endpoint or "").split(".")[0] in COOKIELESS:
            headers.pop("Set-Cookie", None)
        return response
