"""« Pourquoi cette formation est-elle réservable ici ? » in lines, the same for a centre and for the service team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rdv import bookable, directory
from rdv.models import Training

Targets = Mapping[str, tuple[str, str]]  # code of a rule → address and label of where it is put right

TITLES = {
    "platform": "La plateforme",
    "centre": "Le centre",
    "training": "La formation",
    "contact": "Les moyens de contact",
    "consent": "L’accord du centre",
    "listed": "La publication",
    "known": "L’identifiant",
    "domain": "Les adresses du site",
    "site": "Les lieux",
}


@dataclass(frozen=True)
class Line:
    """One rule of one platform."""

    title: str
    met: bool
    text: str
    href: str | None
    label: str | None


@dataclass(frozen=True)
class OnPlatform:
    """A platform: whether the training is bookable there, and every rule."""

    code: str
    name: str
    open: bool
    lines: list[Line]


def of(training: Training, now: datetime, targets: Targets) -> list[OnPlatform]:
    """Return every platform with its rules for a training; what is not met leads where it is put right."""
    found = []
    for platform in directory.platforms():
        lines = []
        for rule in bookable.rules(training, platform, now):
            href, label = targets.get(rule.code, (None, None)) if not rule.met else (None, None)
            lines.append(Line(TITLES[rule.code], rule.met, rule.sentence, href, label))
        found.append(OnPlatform(platform.code, platform.name, all(line.met for line in lines), lines))
    return found
