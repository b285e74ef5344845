"""Mails to the service team about platforms that send no candidate any more."""

from __future__ import annotations

from datetime import datetime

from rdv import directory, french, links, platform_health
from rdv.french import NBSP
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import OutgoingMail

WHY = "Vous recevez ce message parce que vous êtes membre de l’équipe du service."
_PAGE = "Voir la santé des plateformes"


def platform_silent(row: OutgoingMail) -> Mail:
    """A platform is silent for longer than its rhythm explains."""
    name = _name(row)
    since = french.moment(_since(row))
    expected = int(row.data["expected"])
    return Mail(
        subject=f"{name} n’envoie plus de demandes",
        preheader=f"Aucune demande depuis {since}.",
        greeting=f"Bonjour {named(row.user).first_name},",
        paragraphs=(
            f"Aucune demande n’est venue de {name} depuis {since}. À son rythme des quatre semaines d’avant, environ "
            f"{expected} étaient attendues depuis.",
            "Ouvrez une page de formation de cette plateforme et vérifiez que le bouton s’y affiche, puis regardez les "
            f"derniers appels refusés à ses clés{NBSP}: un changement de page, de clé ou d’adresse en est la cause la "
            "plus fréquente.",
        ),
        facts=facts(("Plateforme", name), ("Dernière demande", since), ("Demandes attendues depuis", str(expected))),
        button=(_PAGE, links.platform_health()),
        footer_reason=WHY,
    )


def platform_heard(row: OutgoingMail) -> Mail:
    """A platform sends requests again."""
    name = _name(row)
    since = french.moment(_since(row))
    return Mail(
        subject=f"{name} envoie de nouveau des demandes",
        preheader="Le silence que nous vous avions signalé est terminé.",
        greeting=f"Bonjour {named(row.user).first_name},",
        paragraphs=(f"Une demande vient d’arriver de {name}{NBSP}: le silence commencé {since} est terminé.",),
        facts=facts(("Plateforme", name)),
        button=(_PAGE, links.platform_health()),
        footer_reason=WHY,
    )


def _name(row: OutgoingMail) -> str:
    found = directory.get_platform(row.data["platform"])
    if found is None:
        raise LookupError("this platform was deleted: nothing is left to tell of it")
    return found.name


def _since(row: OutgoingMail) -> datetime:
    return datetime.fromisoformat(row.data["since"])


def _on_the_team(row: OutgoingMail) -> bool:
    member = named(row.user)
    return member.active and member.is_service_team and directory.get_platform(row.data["platform"]) is not None


def _still_silent(row: OutgoingMail, _now: datetime) -> bool:
    return _on_the_team(row) and platform_health.is_silent(row.data["platform"], _since(row))


def _still_there(row: OutgoingMail, _now: datetime) -> bool:
    return _on_the_team(row)


KINDS = {
    "platform_silent": Kind(platform_silent, _still_silent),
    "platform_heard": Kind(platform_heard, _still_there),
}
