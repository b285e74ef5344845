"""Mails of the ladder: to who should answer, to the candidate who waits, and the morning's digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rdv import clock, french, inbox, ladder, links, nearby, notices
from rdv.inbox import calling
from rdv.mails import dates, outcomes, people
from rdv.mails.candidate import PAGE, WHY
from rdv.mails.cfa import LAST_OF_DAY, WHY_ADDRESS, WHY_MEMBER, for_member, request_facts, request_page
from rdv.mails.message import Kind, Link, Mail, facts, named
from rdv.models import CandidateRequest, Cfa, Membership, OutgoingMail
from rdv.settings import settings

LISTED, LINKED = 10, 50  # requests under one heading of a digest: read behind one link, or by a link each


# -- to the CFA -------------------------------------------------------------------------------------------------------


def _training(request: CandidateRequest) -> str:
    return f" – {request.training.shown_title}" if request.training else ""


def _to_cfa(row: OutgoingMail, subject: str, preheader: str, *paragraphs: str, after: tuple[str, ...] = ()) -> Mail:
    request = named(row.request)
    called = ladder.calls(request)
    return Mail(
        subject=subject,
        preheader=preheader,
        greeting=f"Bonjour {row.user.first_name}," if row.user else "Bonjour,",
        paragraphs=paragraphs,
        facts=facts(
            *request_facts(request),
            ("Appels sans réponse", str(called) if called else None),
            ("Lieu", request.site.shown_name if request.site else None),
            ("Référence", request.reference),
        ),
        button=request_page(row),
        outcomes=outcomes.of(request, row.to_email),
        after=(*after, *((LAST_OF_DAY,) if row.data.get("last") else ())),
        footer_reason=WHY_MEMBER if row.user else WHY_ADDRESS.format(support=settings().support_email),
    )


def follow_up_owner(row: OutgoingMail) -> Mail:
    """Half a working day before the promise ends."""
    request = named(row.request)
    due = ladder.promised(request)
    owned = row.user_id is not None and row.user_id == request.owner_id
    return _to_cfa(
        row,
        f"À répondre avant {due}{_training(request)}",
        "Cette personne attend votre réponse." if owned else "Cette demande attend une réponse.",
        f"{'Cette demande que vous suivez' if owned else 'Cette demande'} attend une réponse avant {due} : c’est la date "
        "annoncée au candidat.",
    )


def follow_up_team(row: OutgoingMail) -> Mail:
    """The promise has passed."""
    request = named(row.request)
    owner = request.owner
    follows = f" {owner.shown_name} la suit." if owner and owner.id != row.user_id else ""
    nobody = "" if owner else " Personne ne la suit encore."
    unreachable = not ladder.reachable(request)
    return _to_cfa(
        row,
        f"En retard : une réponse était attendue avant {ladder.promised(request)}",
        "Sans réponse, le candidat en sera prévenu et d’autres centres lui seront proposés.",
        f"La réponse annoncée au candidat pour {ladder.promised(request)} n’est pas partie.{follows}{nobody}",
        "Un appel ou quelques lignes suffisent. Sans nouvelle de votre part, nous préviendrons la personne du retard et "
        "lui montrerons les autres centres qui proposent cette formation."
        if not unreachable
        else "Un appel suffit. Aucun de nos messages ne peut atteindre cette personne : vous seuls pouvez la joindre.",
    )


def not_contacted(row: OutgoingMail) -> Mail:
    """The candidate says that nobody reached them."""
    request = named(row.request)
    return _to_cfa(
        row,
        "Le candidat dit ne pas avoir été contacté",
        f"Réponse attendue avant {ladder.promised(request)}.",
        "Nous avons demandé à cette personne si votre centre l’avait contactée : elle répond que non. Sa demande est "
        f"rouverte, et une réponse est attendue avant {ladder.promised(request)}.",
        after=("Vous l’avez jointe entre-temps ? Notez-le dans la demande : elle se terminera.",),
    )


# -- to the candidate -------------------------------------------------------------------------------------------------


def follow_up_candidate(row: OutgoingMail) -> Mail:
    """Nobody answered, or the CFA called in vain: said as it is, with everything that can be done now."""
    request = named(row.request)
    name, own = request.cfa.shown_name, dates.to_take(request, row.to_email)
    elsewhere = nearby.places(request, clock.now())
    phone = inbox.phone_of(request)
    other = _places(request, elsewhere, row.to_email)
    return Mail(
        subject=f"{name} n’a pas encore répondu à votre demande"
        if not ladder.calls(request)
        else f"{name} n’a pas réussi à vous joindre",
        preheader="Voici ce que vous pouvez faire maintenant.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            ladder.what_happened(request),
            "Nous en sommes désolés. Votre demande reste ouverte, et le centre a été relancé. Sans attendre, vous pouvez "
            + ", ".join(
                [
                    *(("l’appeler",) if phone else ()),
                    *(("réserver l’un de ses créneaux",) if own else ()),
                    *(("vous adresser à un autre centre qui propose la même formation",) if other else ()),
                ]
            )
            + (" ou " if phone or own or other else "")
            + "lui écrire à nouveau depuis votre page.",
        ),
        facts=facts(
            ("Centre de formation", name),
            ("Téléphone du centre", french.phone(phone)),
            ("Formation", request.training.shown_title if request.training else None),
            ("Référence", request.reference),
        ),
        choices=own,
        button=("Voir ce que je peux faire", links.personal(request, row.to_email)),
        links=(*other, ("Le centre vous a-t-il contacté ? Répondre", links.contacted(request, row.to_email))),
        after=(
            "Chaque lien ouvre une page : rien ne change avant que vous y confirmiez votre choix.",
            "Vous avez déjà votre réponse ? Dites-le-nous par le dernier lien : nous ne vous écrirons plus à ce sujet.",
        ),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def _places(request: CandidateRequest, elsewhere: Sequence[nearby.Place], to: str) -> tuple[Link, ...]:
    found = []
    for each in elsewhere:
        where = f", {each.site.city}" if each.site.city else ""
        label = f"{each.cfa.shown_name}{where}, à {each.shown_km}. {each.offers}"
        found.append((label, links.elsewhere(request, each.training, to)))
    return tuple(found)


def contact_check(row: OutgoingMail) -> Mail:
    """The CFA says that it answered; nothing left from here."""
    request = named(row.request)
    name = request.cfa.shown_name
    return Mail(
        subject=f"{name} vous a-t-il contacté ?",
        preheader="Oui ou non : un geste suffit.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            f"{name} indique avoir répondu à votre demande, par téléphone ou par un autre moyen que ce service. "
            "Est-ce bien le cas ?",
            "Si ce n’est pas le cas, votre demande sera rouverte et le centre prévenu aussitôt.",
        ),
        facts=facts(
            ("Formation", request.training.shown_title if request.training else None),
            ("Votre demande", french.day(clock.to_zone(request.created_at, calling.zone_of(request)))),
            ("Référence", request.reference),
        ),
        button=("Répondre oui ou non", links.contacted(request, row.to_email)),
        links=((PAGE, links.personal(request, row.to_email)),),
        after=("Nous ne le demandons qu’une fois. Sans réponse, rien ne change.",),
        footer_reason=WHY,
    )


# -- the morning ------------------------------------------------------------------------------------------------------


def digest(row: OutgoingMail) -> Mail:
    """What waits for one person, or for the address of a centre: counts, then lines without contact details."""
    cfa = named(row.cfa)
    found = _digest_of(row, clock.now())
    if found is None:
        raise LookupError("nothing waits any more")
    late, today, most = len(found.late), len(found.today), LISTED if row.user else LINKED
    counts = [
        *((f"{late}\u00a0en retard",) if late else ()),
        *((f"{today}\u00a0à répondre aujourd’hui",) if today else ()),
        *((french.plural(len(found.calls), "appel prévu", "appels prévus"),) if found.calls else ()),
        *((french.plural(len(found.new), "nouvelle", "nouvelles"),) if found.new else ()),
    ]
    headings = (
        ("En retard", found.late, links.staff_inbox("retard=1")),
        ("À répondre aujourd’hui", found.today, links.staff_inbox()),
        ("À appeler aujourd’hui", found.calls, links.staff_inbox("mode=rappel")),
        ("Nouvelles", found.new, links.staff_inbox()),
    )
    return Mail(
        subject=f"Vos demandes ce matin : {french.enumeration(counts)}",
        preheader=f"Récapitulatif de {cfa.shown_name}.",
        greeting=f"Bonjour {row.user.first_name}," if row.user else "Bonjour,",
        paragraphs=(f"Voici ce qui attend une réponse de {cfa.shown_name}.",),
        facts=facts(*((title, _lines(asked, most, found.zone)) for title, asked, _ in headings)),
        button=("Ouvrir les demandes", links.staff_inbox()) if row.user else None,
        outcomes=_by_person([each for _, asked, _ in headings for each in asked], row.to_email) if row.user else (),
        links=tuple((f"{title} ({len(asked)})", href) for title, asked, href in headings if asked)
        if row.user
        else tuple((_name(each), links.answer(each)) for _, asked, _ in headings for each in asked[:most]),
        after=(
            "Les coordonnées et les messages se lisent dans chaque demande, "
            + ("après connexion." if row.user else "par ces liens réservés à votre adresse : ne les transférez pas."),
        ),
        footer_reason="Vous recevez ce récapitulatif chaque matin ouvré où quelque chose vous attend. Vous pouvez choisir "
        "un courriel par demande, ou les seuls rappels, dans votre profil."
        if row.user
        else WHY_ADDRESS.format(support=settings().support_email),
    )


def _by_person(asked: Sequence[CandidateRequest], to: str) -> tuple[Link, ...]:
    """Return a link for each person, where one says what was done without signing in; by reference where the name is odd."""
    named_so = [
        (people.plain_name(each.first_name), people.plain_name(each.last_name), each) for each in asked[:LISTED]
    ]
    return tuple(
        (f"{first} {last}" if first and last else each.reference, links.answer(each, to))
        for first, last, each in named_so
    )


def _lines(asked: Sequence[CandidateRequest], most: int, zone: str) -> str:
    more = len(asked) - most
    lines = [_line(each, zone) for each in asked[:most]]
    return "\n".join([*lines, *([f"et {french.plural(more, 'autre')}"] if more > 0 else [])])


def _line(request: CandidateRequest, zone: str) -> str:
    mode = inbox.MODE_LABELS[request.mode].lower()
    when = (
        f"appel prévu à {french.clock_time(clock.to_zone(request.next_attempt_at, zone))}"
        if request.next_attempt_at
        else f"avant {french.moment(request.due_at, zone)}"
        if request.due_at
        else None
    )
    training = request.training.shown_title if request.training else None
    return " · ".join(part for part in (people.candidate_name(request), mode, training, when) if part)


def _name(request: CandidateRequest) -> str:
    return f"Lire et répondre : {people.candidate_name(request)}{_training(request)}"


# -- still due --------------------------------------------------------------------------------------------------------


def _digest_of(row: OutgoingMail, now: datetime) -> ladder.digest.Digest | None:
    cfa: Cfa = named(row.cfa)
    if row.user is None:
        return ladder.digest.of_address(cfa, row.to_email, now)
    member: Membership | None = for_member(row)
    return ladder.digest.of_member(member, now) if member is not None else None


def _something_waits(row: OutgoingMail, now: datetime) -> bool:
    found = _digest_of(row, now)
    return found is not None and not found.empty


def _theirs(row: OutgoingMail) -> bool:
    """A member who left reads nothing more; an address only as long as the request is its own."""
    request = named(row.request)
    return for_member(row) is not None if row.user_id else row.to_email == request.recipient_email


def _unanswered(row: OutgoingMail, _now: datetime) -> bool:
    return named(row.request).status in inbox.TO_TREAT and _theirs(row)


def _before_due(row: OutgoingMail, now: datetime) -> bool:
    request = named(row.request)
    return _unanswered(row, now) and request.due_at is not None and now < request.due_at


def _late(row: OutgoingMail, now: datetime) -> bool:
    request = named(row.request)
    return _unanswered(row, now) and request.due_at is not None and request.due_at <= now


def _still_unanswered(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    mine = row.to_email in notices.addresses(request)
    return mine and request.status in inbox.TO_TREAT and request.rung >= ladder.TOLD


def _in_doubt(row: OutgoingMail, _now: datetime) -> bool:
    request = named(row.request)
    events = ladder.history.of(request)
    return (
        row.to_email in notices.addresses(request)
        and request.status not in inbox.TO_TREAT
        and ladder.may_say(request, events)
    )


KINDS = {
    "follow_up_owner": Kind(follow_up_owner, _before_due),
    "follow_up_team": Kind(follow_up_team, _late),
    "follow_up_candidate": Kind(follow_up_candidate, _still_unanswered),
    "not_contacted": Kind(not_contacted, _unanswered),
    "contact_check": Kind(contact_check, _in_doubt),
    "digest": Kind(digest, _something_waits),
}
