"""Who answers by the link of a mail: the address that decides for the centre, for some weeks."""

from __future__ import annotations

from rdv.consents import addresses, standing
from rdv.errors import LinkInvalid, NotFound
from rdv.models import PlatformConsent
from rdv.settings import settings
from rdv.tokens import check_link, read_link


def opened_by(token: str) -> PlatformConsent:
    """Return the answer that a link opens, or raise LinkInvalid: wrong, too old, or the address no longer decides."""
    link = read_link("platform", token, settings().platform_link_days * 24 * 3600)
    try:
        consent = standing.get(link.object_id)
    except NotFound:
        raise LinkInvalid from None
    check_link(link, addresses.decision_maker(consent.cfa), consent.link_version)
    return consent
