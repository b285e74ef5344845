"""Slots in one line: what is read, what is refused and with which word, and nothing else whatever is typed."""

# ruff: noqa: DTZ001  wall times carry no zone, on purpose
from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdv.series import Range, quick
from rdv.series.quick import Entry, Names, NotUnderstood

NAMES = Names(
    sites={"north": "Campus Nord", "south": "Campus Sud", "denis": "CFA de Saint-Denis", "nord": "Nord"},
    meeting_types={"one": "Entretien individuel", "group": "Réunion d’information collective"},
    advisers={"marie": "Marie Dupont", "paul": "Paul Martin", "paula": "Paula Noël"},
)
NOW = datetime(2026, 11, 24, 9, 0)  # a Tuesday
TUESDAY = date(2026, 11, 24)


def read(text, now=NOW):
    return quick.read(text, NAMES, now)


def hours(*spans):
    found = []
    for span in spans:
        starts, _, ends = span.partition("-")
        found.append(Range(time.fromisoformat(starts), time.fromisoformat(ends) if ends else None))
    return tuple(found)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (
            "mar 14h-17h /20min x Campus Nord",
            Entry(TUESDAY, hours("14:00-17:00"), minutes=20, site="north"),
        ),
        (
            "lun mer 9h-12h 14h-17h /30 pause 5 x2 jusqu'au 20/12 Campus Nord avec Marie visio",
            Entry(
                date(2026, 11, 25), hours("09:00-12:00", "14:00-17:00"), weekdays=(0, 2), last_day=date(2026, 12, 20),
                minutes=30, pause=5, capacity=2, site="north", adviser="marie", place="video",
            ),
        ),
        ("3/12 14h", Entry(date(2026, 12, 3), hours("14:00"))),
        ("demain 10h-12h", Entry(date(2026, 11, 25), hours("10:00-12:00"))),
        ("aujourd’hui 10h", Entry(TUESDAY, hours("10:00"))),
        ("après-demain 9h30", Entry(date(2026, 11, 26), hours("09:30"))),
        ("MARDI 14H00–17H00", Entry(TUESDAY, hours("14:00-17:00"))),
        ("mar 14:00-17:00", Entry(TUESDAY, hours("14:00-17:00"))),
        ("mar 14-17", Entry(TUESDAY, hours("14:00-17:00"))),
        ("mar 9 h 30 – 12 h", Entry(TUESDAY, hours("09:30-12:00"))),
        ("mar de 14h à 17h", Entry(TUESDAY, hours("14:00-17:00"))),
        ("mar 14h - 17h30 20 min", Entry(TUESDAY, hours("14:00-17:30"), minutes=20)),
        ("mar 14h 20min", Entry(TUESDAY, hours("14:00"), minutes=20)),
        ("mar 14h toutes les 20 minutes", Entry(TUESDAY, hours("14:00"), minutes=20)),
        ("mar 14h-18h /1h", Entry(TUESDAY, hours("14:00-18:00"), minutes=60)),
        ("mar 14h-18h /1h30", Entry(TUESDAY, hours("14:00-18:00"), minutes=90)),
        ("mar 14h, 12 places, salle B12", Entry(TUESDAY, hours("14:00"), capacity=12, room="salle B12", place="on_site")),
        ("mar 14h ×12", Entry(TUESDAY, hours("14:00"), capacity=12)),
        ("mar 14h par téléphone", Entry(TUESDAY, hours("14:00"), place="phone")),
        ("mar 14h sur place", Entry(TUESDAY, hours("14:00"), place="on_site")),
        ("mar 14h @Campus Sud", Entry(TUESDAY, hours("14:00"), site="south")),
        ("mar 14h à saint denis", Entry(TUESDAY, hours("14:00"), site="denis")),
        ("mar 14h Nord", Entry(TUESDAY, hours("14:00"), site="nord")),  # a whole name wins over a part of one
        ("mar 14h campus n", None),
        ("mar 14h réunion", Entry(TUESDAY, hours("14:00"), meeting_type="group")),
        ("mar 14h information collective", Entry(TUESDAY, hours("14:00"), meeting_type="group")),
        ("mar 14h avec Dupont", Entry(TUESDAY, hours("14:00"), adviser="marie")),
        ("mar 14h avec Paul", Entry(TUESDAY, hours("14:00"), adviser="paul")),
        ("mar 8h", Entry(date(2026, 12, 1), hours("08:00"))),  # that hour of today is over
        ("lun 8h", Entry(date(2026, 11, 30), hours("08:00"))),
        ("jeu 3/12 14h", Entry(date(2026, 12, 3), hours("14:00"))),
        ("3 décembre 14h", Entry(date(2026, 12, 3), hours("14:00"))),
        ("1er déc. 14h".replace(".", ""), Entry(date(2026, 12, 1), hours("14:00"))),
        ("3/1 14h", Entry(date(2027, 1, 3), hours("14:00"))),  # without its year, the next one
        ("3/12/2027 14h", Entry(date(2027, 12, 3), hours("14:00"))),
        ("3/12/27 14h", Entry(date(2027, 12, 3), hours("14:00"))),
        ("chaque mar 14h 4 fois", Entry(TUESDAY, hours("14:00"), weekdays=(1,), count=4)),
        ("tous les mardis 14h 4 fois", Entry(TUESDAY, hours("14:00"), weekdays=(1,), count=4)),
        ("mar 14h jusqu’au 20 décembre", Entry(TUESDAY, hours("14:00"), weekdays=(1,), last_day=date(2026, 12, 20))),
        ("mar 14h jusqu’au 8/1", Entry(TUESDAY, hours("14:00"), weekdays=(1,), last_day=date(2027, 1, 8))),
        ("mar 14h pendant 3 semaines", Entry(TUESDAY, hours("14:00"), weekdays=(1,), last_day=date(2026, 12, 14))),
        (
            "mar 14h toutes les 2 semaines 4 fois",
            Entry(TUESDAY, hours("14:00"), weekdays=(1,), every_weeks=2, count=4),
        ),
        (
            "mar 14h une semaine sur deux 4 fois",
            Entry(TUESDAY, hours("14:00"), weekdays=(1,), every_weeks=2, count=4),
        ),
        ("lun-ven 9h", Entry(date(2026, 11, 25), hours("09:00"), weekdays=(0, 1, 2, 3, 4), count=5)),
        ("du lundi au mercredi 9h", Entry(date(2026, 11, 25), hours("09:00"), weekdays=(0, 1, 2), count=3)),
        ("mar et jeu 14h", Entry(TUESDAY, hours("14:00"), weekdays=(1, 3), count=2)),
        ("1/12 mar jeu 14h jusqu’au 20/12", Entry(date(2026, 12, 1), hours("14:00"), weekdays=(1, 3), last_day=date(2026, 12, 20))),
    ],
)  # fmt: skip
def test_what_a_line_says(text, entry):
    if entry is None:
        with pytest.raises(NotUnderstood):
            read(text)
    else:
        assert read(text) == entry


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Écrivez un jour et une heure."),
        ("mar", "Ajoutez une heure, par exemple 14h-17h."),
        ("14h-17h", "Ajoutez un jour, par exemple mar, demain ou 3/12."),
        ("mar prochain 14h", "Le mot « prochain » n’est pas compris."),
        ("mar 14h Bordeaux", "Le mot « Bordeaux » n’est pas compris."),
        ("mar 14h avec Zoé", "Le mot « Zoé » n’est pas compris."),
        ("mar 14h /", "Le mot « / » n’est pas compris."),
        ("mar 14h campus", "« campus » peut désigner Campus Nord et Campus Sud."),
        ("mar 14h avec pau", "« pau » peut désigner Paul Martin et Paula Noël."),
        ("mar 3/12 14h", "Le 3 décembre 2026 est un jeudi, pas un mardi."),
        ("mar 25h", "« 25h » n’est pas une heure."),
        ("30/2 14h", "Le 30/2 n’est pas une date."),
        ("chaque mar 14h", "Dites jusqu’à quand répéter"),
        ("mar 14h 4 fois jusqu’au 20/12", "Dites une seule fin"),
        ("3/12 4/12 14h", "Un seul jour daté à la fois."),
        ("3/12 lun mar 14h", "un jour daté, ou des jours de la semaine"),
        ("ven-lun 14h", "ne se suit pas dans la semaine"),
        ("mar 14h /20 /30", "Il y a deux fois une durée."),
        ("mar 14h " + "x" * 400, "Cette ligne est trop longue."),
    ],
)
def test_what_is_refused_and_why(text, said):
    with pytest.raises(NotUnderstood) as refused:
        read(text)
    message = refused.value.message.replace("\u00a0", " ")
    assert said in message
    assert message.endswith("Exemple : mar 14h-17h /20min x Campus Nord.")


def test_every_example_shown_is_understood():
    for example in quick.EXAMPLES:
        assert read(example).ranges


WORDS = st.sampled_from([
    "mar", "lun-ven", "demain", "3/12", "99/99", "14h-17h", "14h", "25:61", "/20min", "/0", "x2", "x", "x9999",
    "pause", "jusqu’au", "20/12", "4", "fois", "chaque", "avec", "Marie", "@", "Campus", "Nord", "visio", "salle",
    "une", "semaine", "sur", "deux", "pendant", "12", "semaines", "29/2", "9", "h", "30", "-", "–", "’", "œ", "½",
    "٣", "12.5", "toutes", "les",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)))
def test_whatever_is_typed_is_read_or_refused(text):
    try:
        entry = read(text)
    except NotUnderstood:
        return
    assert entry.ranges
    assert entry.first_day >= TUESDAY or entry.first_day.year < 2026
