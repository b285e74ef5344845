"""Who asks many centres in a day: a limit that helps, rather than a wall."""

from __future__ import annotations

from datetime import datetime

from rdv import clock, french, throttle
from rdv.candidate import Candidate
from rdv.errors import TooManyRequests, TooManyToday
from rdv.models import Cfa, Site
from rdv.settings import settings
from rdv.throttle import Limit

DAY = 24 * 3600  # seconds


def count_request(candidate: Candidate, cfa: Cfa, site: Site | None, now: datetime) -> None:
    """Count a callback or a message against what one person may send in a day; raise TooManyToday past it.

    A helper sends for many young people: each of these counts for themselves (the limits of an hour bound the helper).
    """
    most = settings().limit_requests_per_day
    if candidate.asker == "helper":
        subjects = [candidate.person_key(settings().secret_key)]
    else:
        subjects = [contact for contact in (candidate.email, candidate.phone) if contact]
    limits = [Limit("request.day", subject, most, DAY) for subject in subjects]
    try:
        throttle.count(limits)
    except TooManyRequests:
        raise TooManyToday(_words(most, cfa, site, limits[0].until(now))) from None


def _words(most: int, cfa: Cfa, site: Site | None, again: datetime) -> str:
    number = french.phone((site.phone if site else None) or cfa.phone)
    when = french.moment(again, site.timezone if site else clock.PARIS)
    call = f"appelez ce centre au {number}" if number else "appelez ce centre"
    return (
        f"Vous avez envoyé {french.plural(most, 'demande')} aujourd’hui. En envoyer davantage n’accélère pas les "
        f"réponses\u00a0: chaque centre vous répondra. Vous pourrez en envoyer d’autres à partir du {when}. Ce qui marche mieux "
        f"d’ici là\u00a0: {call}, réservez un créneau quand un centre en propose, ou demandez conseil à votre mission locale ou "
        "à un CIO. Ce que vous avez saisi est conservé sur cette page."
    )
