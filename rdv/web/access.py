"""Who asks (address prefix), and one log line a request, with no token and no person's data."""

from __future__ import annotations

import ipaddress
import time

from flask import Flask, Response, abort, g, request


def address_prefix() -> str:
    """Return the caller's network: /24 in IPv4, /48 in IPv6; a household or a school counts as one."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def register(app: Flask) -> None:
    """Time each request and log its route."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.before_request
    def refuse_nul() -> None:
        """No address of ours holds the character NUL, which PostgreSQL refuses in a text."""
        if "\0" in request.path or b"%00" in request.query_string:
            abort(404)

    @app.after_request
    def log(response: Response) -> Response:
        if request.endpoint in ("static", "health.alive"):
            return response
        elapsed = time.perf_counter() - g.get("started", time.perf_counter())
        facts = {
            "method": request.method,
            "route": request.endpoint or "(none)",
            "status": response.status_code,
            "ms": round(elapsed * 1000, 1),
        }
        app.logger.info("request", extra={"facts": facts})
        return response
