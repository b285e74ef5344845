"""Web sites of a centre on which its button may stand: host names, checked and written as browsers send them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import sqlalchemy as sa

from rdv import audit, directory
from rdv.db import db
from rdv.errors import RdvError
from rdv.models import Cfa, CfaDomain, User

MOST_DOMAINS = 20
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class WrongHost(RdvError):
    """Not the name of a public web site."""

    status = 400


def host(typed: str) -> str:
    """Return the host name of what was typed (a whole address too), in ASCII; raise WrongHost with what to type."""
    text = typed.strip().lower()
    name = (urlsplit(text if "//" in text else f"//{text}").hostname or "").rstrip(".")
    try:
        found = name.encode("idna").decode("ascii")
    except UnicodeError:
        found = ""
    labels = found.split(".")
    public = len(labels) > 1 and not labels[-1].isdigit() and labels[-1] not in ("local", "localhost", "internal")
    if not public or len(found) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise WrongHost(
            f"«\u00a0{typed.strip()[:60]}\u00a0» n’est pas l’adresse d’un site. Exemple\u00a0: www.mon-cfa.fr"
        )
    return found


def set_domains(cfa: Cfa, hosts: list[str], user: User) -> bool:
    """Replace the sites of a centre by these host names; return whether that changed."""
    before, after = set(directory.domains_of(cfa)), set(hosts)
    if before == after:
        return False
    db.session.execute(sa.delete(CfaDomain).where(CfaDomain.cfa_id == cfa.id, CfaDomain.host.in_(before - after)))
    db.session.add_all(CfaDomain(cfa_id=cfa.id, host=each) for each in sorted(after - before))
    audit.record(
        "cfa_domain.changed", user=user, cfa=cfa, object_type="cfa", object_id=cfa.public_id,
        data={"added": sorted(after - before), "removed": sorted(before - after)},
    )  # fmt: skip
    return True
