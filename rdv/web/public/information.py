"""What the law asks to say, and files for machines."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from rdv import clock, links
from rdv.settings import settings
from rdv.web.public.blueprint import bp

# Pages that hold a form or a token, and those of the staff.
NOT_INDEXED = (
    "/rendez-vous/",
    "/suivi/",
    "/r/",
    "/demande/",
    "/renvoyer-mon-lien",
    "/equipe",
    "/admin",
    "/flux/",
    "/connexion",
)
SECURITY_CONTACT_KEPT = timedelta(days=180)  # RFC 9116 §2.5.5: less than a year


@bp.get("/donnees-personnelles")
def privacy() -> ResponseReturnValue:
    """What is done with personal data, and the rights of each person."""
    return render_template("public/privacy.html", controller=settings().controller, contact=settings().support_email)


@bp.get("/accessibilite")
def accessibility() -> ResponseReturnValue:
    """The accessibility statement, honest as long as no audit was done."""
    return render_template("public/accessibility.html", contact=settings().support_email)


@bp.get("/mentions-legales")
def legal() -> ResponseReturnValue:
    """Who publishes the service."""
    return render_template("public/legal.html", controller=settings().controller, contact=settings().support_email)


@bp.get("/.well-known/security.txt")
def security_txt() -> ResponseReturnValue:
    """Where to report a weakness (RFC 9116)."""
    expires = (clock.now() + SECURITY_CONTACT_KEPT).replace(microsecond=0)
    lines = (
        f"Contact: mailto:{settings().support_email}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fr, en",
        f"Canonical: {links.absolute('/.well-known/security.txt')}",
    )
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@bp.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """What search engines leave alone."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_INDEXED)]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
