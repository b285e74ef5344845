"""Slots in one line of French, read word by word: « mar 14h-17h /20min x Campus Nord ». Pure: nothing is looked up.

A line is made of these, in any order; accents, capitals and commas do not matter.

    day        mar · lun mer · lun-ven · du lundi au vendredi · chaque mardi · demain · aujourd’hui · 3/12 · 3/12/2026 ·
               3 décembre · jeu 3/12 (checked). A weekday alone is the next one, today included while its hour is to come.
    hours      14h-17h · 9h30-12h · 14:00-17:00 · de 14h à 17h; several; « 14h » alone is one slot
    length     /20 · /20min · 20min · /1h · /1h30 · toutes les 20 min
    pause      pause 5 · pause 5 min
    places     x2 · 12 places
    end        jusqu’au 20/12 · jusqu’au 20 décembre · 4 fois (days) · pendant 4 semaines
    rhythm     toutes les 2 semaines · une semaine sur deux
    where      x Campus Nord · @Campus Nord · Campus Nord (any part of the name that names one place alone)
    how        visio · téléphone · sur place · salle 12 (one word)
    who        avec Marie
    what       the title of a meeting type, or a part of it

Several weekdays without an end are the next of each. Ambiguous or unknown words are refused, and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from rdv import french
from rdv.contacts import fold
from rdv.errors import RdvError
from rdv.opening_hours import WEEKDAYS
from rdv.series.rule import Range

EXAMPLE = "mar 14h-17h /20min x Campus Nord"
EXAMPLES = (
    EXAMPLE,
    "lun mer 9h-12h 14h-17h /30 pause 5 x2 jusqu’au 20/12",
    "chaque jeudi 9h-11h 4 fois visio avec Marie",
    "3/12 14h",
    "demain 10h-12h",
)
LONGEST = 300  # characters read


class NotUnderstood(RdvError):
    """A line that cannot be read; the sentence names the word and gives an example."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} Exemple\u00a0: {EXAMPLE}.")


@dataclass(frozen=True)
class Names:
    """What a line may name in a centre: identifiers and what people call them."""

    sites: Mapping[str, str] = field(default_factory=dict)
    meeting_types: Mapping[str, str] = field(default_factory=dict)
    advisers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """What a line says; None: it does not say."""

    first_day: date
    ranges: tuple[Range, ...]
    weekdays: tuple[int, ...] = ()  # none: one day
    every_weeks: int = 1
    last_day: date | None = None
    count: int | None = None
    minutes: int | None = None
    pause: int | None = None
    capacity: int | None = None
    place: str | None = None
    room: str | None = None
    site: str | None = None
    meeting_type: str | None = None
    adviser: str | None = None


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan", "fevrier fevr fev", "mars", "avril avr", "mai", "juin", "juillet juil", "aout",
            "septembre sept sep", "octobre oct", "novembre nov", "decembre dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_PLACES = {
    "visio": "video", "en visio": "video", "visioconference": "video", "en visioconference": "video",
    "video": "video", "tel": "phone", "telephone": "phone", "par telephone": "phone", "au telephone": "phone",
    "sur place": "on_site", "presentiel": "on_site", "en presentiel": "on_site",
}  # fmt: skip
_DAY = "(lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?|lun|mar|mer|jeu|ven|sam|dim)"
_HOUR = r"(\d{1,2})[h:](\d{2})?"
_BARE_HOUR = r"(\d{1,2})(?:[h:](\d{2})?)?"  # « 14-17 »
_SPACED_HOUR = re.compile(r"\b(\d{1,2})\s+h\b(?:\s+(\d{2})\b(?!\s*(?:min|mn|fois|jours|places?|/)))?")  # « 9 h 30 »
_DATE = r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d{2}))?"
_LONG_DATE = rf"(\d{{1,2}})(?:er)?\s({'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?:\s(\d{{4}}))?"
_FILLER = re.compile(r"(?:et|le|les|de|du|des|a|au|en|pour|chaque|tous|,|;)(?=\s|$)")


def read(text: str, names: Names, now: datetime) -> Entry:
    """Return what a line says. `now`: wall time, naive. Raises NotUnderstood, which names the word and an example."""
    return _Reader(text, names, now).read()


class _Reader:
    """Reads a line from left to right: at each place, the first pattern that fits takes its words."""

    def __init__(self, text: str, names: Names, now: datetime) -> None:
        if len(text) > LONGEST:
            raise NotUnderstood("Cette ligne est trop longue.")
        spaced = re.sub(r"[,;]", " ", text.replace("’", "'").replace("–", "-").replace("—", "-"))
        spaced = _SPACED_HOUR.sub(r"\1h\2", spaced)
        spaced = re.sub(r"\s+-\s+(?=\d)", "-", spaced)  # « 14h - 17h »
        self.typed = spaced.replace("×", "x").split()
        folded = [_plain(word) for word in self.typed]
        self.line = " ".join(folded)
        self.at = 0
        self.names, self.now = names, now
        self.days: list[date] = []
        self.weekdays: set[int] = set()
        self.ranges: list[Range] = []
        self.found: dict[str, object] = {}
        self.repeated = False

    # Longest first: « jusqu'au 3 décembre » is not a day, « /1h » is not an hour.
    def patterns(self) -> list[tuple[str, Callable[[re.Match[str]], None]]]:
        return [
            (rf"jusqu'?\s?(?:au|a|en)?\s?(?:{_DAY}\s)?(?:le\s)?(?:{_DATE}|{_LONG_DATE})", self._until),
            (r"(?:toutes les|tous les) (\d{1,3})\s?(?:min|mn|minutes)", self._minutes),
            (r"toutes les (\d{1,2}) semaines", self._every),
            (r"une semaine sur (deux|\d)", self._every),
            (r"pendant (\d{1,2}) semaines?", self._for_weeks),
            (r"(\d{1,3}) (?:fois|jours)", self._count),
            (r"/\s?(\d{1,2})h(\d{2})?", self._hours_long),
            (r"/\s?(\d{1,3})(?:\s?(?:min|mn|minutes))?", self._minutes),
            (r"(\d{1,3})\s?(?:min|mn|minutes)", self._minutes),
            (r"pause\s?(?:de )?(\d{1,3})(?:\s?(?:min|mn|minutes))?", self._pause),
            (r"x\s?(\d{1,3})", self._capacity),
            (r"(\d{1,3}) (?:places?|personnes?)", self._capacity),
            (rf"(?:de )?{_BARE_HOUR}-{_BARE_HOUR}", self._range),
            (rf"(?:de )?{_HOUR} a {_BARE_HOUR}", self._range),
            (rf"(?:{_DAY} )?(?:le )?{_DATE}", self._date),
            (rf"(?:{_DAY} )?(?:le )?{_LONG_DATE}", self._date),
            (rf"(?:a )?{_HOUR}", self._hour),
            (rf"(?:du )?{_DAY}\s?(?:-|au|a)\s?{_DAY}", self._weekday_span),
            (rf"(?:chaque|tous les) {_DAY}", self._repeated_weekday),
            (_DAY, self._weekday),
            (r"aujourd'?hui|auj", lambda _: self._day(self.now.date())),
            (r"apres[- ]demain", lambda _: self._day(self.now.date() + timedelta(days=2))),
            (r"demain", lambda _: self._day(self.now.date() + timedelta(days=1))),
            ("|".join(sorted(map(re.escape, _PLACES), key=len, reverse=True)), self._place),
            (r"salle \S+", self._room),
        ]

    def read(self) -> Entry:
        """Take every word, then put together what they say."""
        patterns = [(re.compile(rf"(?:{pattern})(?=\s|$)"), act) for pattern, act in self.patterns()]
        if not self.line:
            raise NotUnderstood("Écrivez un jour et une heure.")
        while self.at < len(self.line):
            start = self.at
            for pattern, act in patterns:
                match = pattern.match(self.line, self.at)
                if match:
                    self.at = match.end()
                    act(match)
                    break
            else:
                self._name()
            if self.at == start:
                raise NotUnderstood(f"Le mot «\u00a0{self._word()}\u00a0» n’est pas compris.")
            self._skip_space()
        return self._entry()

    def _skip_space(self) -> None:
        while self.at < len(self.line) and self.line[self.at] == " ":
            self.at += 1

    def _word(self) -> str:
        """The word being read, as it was typed."""
        return self.typed[min(self.line.count(" ", 0, self.at), len(self.typed) - 1)]

    def _say(self, what: str, value: object, label: str) -> None:
        if self.found.get(what, value) != value:
            raise NotUnderstood(f"Il y a deux fois {label}.")
        self.found[what] = value

    # -- when --------------------------------------------------------------------------------------------------------

    def _range(self, match: re.Match[str]) -> None:
        first, first_minutes, last, last_minutes = match.groups()
        self.ranges.append(Range(_time(first, first_minutes), _time(last, last_minutes)))

    def _hour(self, match: re.Match[str]) -> None:
        self.ranges.append(Range(_time(match[1], match[2])))

    def _weekday(self, match: re.Match[str]) -> None:
        self.weekdays.add(_weekday(match[1]))

    def _repeated_weekday(self, match: re.Match[str]) -> None:
        self.repeated = True
        self._weekday(match)

    def _weekday_span(self, match: re.Match[str]) -> None:
        first, last = _weekday(match[1]), _weekday(match[2])
        if last <= first:
            raise NotUnderstood(f"«\u00a0{match[0]}\u00a0» ne se suit pas dans la semaine.")
        self.weekdays |= set(range(first, last + 1))

    def _day(self, day: date) -> None:
        self.days.append(day)

    def _date(self, match: re.Match[str]) -> None:
        weekday, number, month, year = match.groups()
        day = self._dated(number, month, year, self.now.date())
        if weekday and day.weekday() != _weekday(weekday):
            raise NotUnderstood(
                f"Le {french.day_of_month(day)} est un {WEEKDAYS[day.weekday()]}, pas un {WEEKDAYS[_weekday(weekday)]}."
            )
        self._day(day)

    def _dated(self, number: str, month: str, year: str | None, after: date) -> date:
        """Return a date; without its year, the next one."""
        month_number = _MONTHS.get(month) or int(month)
        try:
            if year:
                return date(min(int(year), 2200) + (2000 if len(year) == 2 else 0), month_number, int(number))
            found = date(after.year, month_number, int(number))
            return found if found >= after else found.replace(year=after.year + 1)
        except ValueError:
            raise NotUnderstood(f"Le {number}/{month} n’est pas une date.") from None

    # -- until when --------------------------------------------------------------------------------------------------

    def _until(self, match: re.Match[str]) -> None:
        _weekday_name, *parts = match.groups()
        number, month, year = parts[:3] if parts[0] else parts[3:]
        after = max(self.days, default=self.now.date())
        self._say("last_day", self._dated(number, month, year, after), "une date de fin")

    def _count(self, match: re.Match[str]) -> None:
        self._say("count", int(match[1]), "un nombre de fois")

    def _for_weeks(self, match: re.Match[str]) -> None:
        self._say("weeks", int(match[1]), "une durée en semaines")

    def _every(self, match: re.Match[str]) -> None:
        self._say("every_weeks", 2 if match[1] == "deux" else int(match[1]), "un rythme")

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _minutes(self, match: re.Match[str]) -> None:
        self._say("minutes", int(match[1]), "une durée")

    def _hours_long(self, match: re.Match[str]) -> None:
        self._say("minutes", int(match[1]) * 60 + int(match[2] or 0), "une durée")

    def _pause(self, match: re.Match[str]) -> None:
        self._say("pause", int(match[1]), "une pause")

    def _capacity(self, match: re.Match[str]) -> None:
        self._say("capacity", int(match[1]), "un nombre de places")

    def _place(self, match: re.Match[str]) -> None:
        self._say("place", _PLACES[match[0]], "une façon de se rencontrer")

    def _room(self, match: re.Match[str]) -> None:
        rank = self.line.count(" ", 0, match.start())
        self._say("room", " ".join(self.typed[rank : rank + 2]), "une salle")
        self.found.setdefault("place", "on_site")

    def _name(self) -> None:
        """Take the longest run of words that names something of the centre; else a small word that says nothing."""
        site = re.compile(r"(?:x|@|a|au|lieu)\s|@").match(self.line, self.at)
        person = re.compile(r"avec\s").match(self.line, self.at)
        if person:
            self.at = person.end()
            self._take({"adviser": self.names.advisers})
        elif site:
            self.at = site.end()
            self._take({"site": self.names.sites})
        elif filler := _FILLER.match(self.line, self.at):
            self.at = filler.end()
        else:
            self._take(
                {
                    "meeting_type": self.names.meeting_types,
                    "site": self.names.sites,
                    "adviser": self.names.advisers,
                }
            )

    def _take(self, kinds: Mapping[str, Mapping[str, str]]) -> None:
        words = self.line[self.at :].split(" ")
        doubt: list[str] = []
        for length in range(min(len(words), 12), 0, -1):
            for kind, known in kinds.items():
                fitting = _fitting(words[:length], known)
                if len(fitting) == 1:
                    self.at += len(" ".join(words[:length]))
                    self._say(kind, fitting[0], _KINDS[kind])
                    return
                doubt = doubt or [known[key] for key in fitting]
            if doubt:
                break
        word = self._word()
        if doubt:
            raise NotUnderstood(f"«\u00a0{word}\u00a0» peut désigner {french.enumeration(doubt[:4])}. Précisez.")
        raise NotUnderstood(f"Le mot «\u00a0{word}\u00a0» n’est pas compris.")

    # -- together ----------------------------------------------------------------------------------------------------

    def _entry(self) -> Entry:
        if not self.ranges:
            raise NotUnderstood("Ajoutez une heure, par exemple 14h-17h.")
        if not self.days and not self.weekdays:
            raise NotUnderstood("Ajoutez un jour, par exemple mar, demain ou 3/12.")
        if len(set(self.days)) > 1:
            raise NotUnderstood("Un seul jour daté à la fois.")
        if self.days and self.weekdays and not self._ends():
            raise NotUnderstood("Choisissez\u00a0: un jour daté, ou des jours de la semaine jusqu’au 20/12.")
        if self.repeated and not self._ends():
            raise NotUnderstood(
                "Dites jusqu’à quand répéter, par exemple «\u00a0jusqu’au 20/12\u00a0» ou «\u00a04 fois\u00a0»."
            )
        if len({"last_day", "count", "weeks"} & self.found.keys()) > 1:
            raise NotUnderstood("Dites une seule fin\u00a0: une date, ou un nombre de fois.")
        first = self.days[0] if self.days else min(self._next(weekday) for weekday in self.weekdays)
        weekdays: tuple[int, ...] = tuple(sorted(self.weekdays))
        said = dict(self.found)
        weeks = said.pop("weeks", None)
        if isinstance(weeks, int):
            said["last_day"] = first + timedelta(weeks=weeks, days=-1)
        if not self._ends():
            if len(weekdays) > 1:
                said["count"] = len(weekdays)  # the next one of each
            else:
                weekdays = ()
        return Entry(first_day=first, ranges=tuple(self.ranges), weekdays=weekdays, **said)  # type: ignore[arg-type]

    def _ends(self) -> bool:
        return bool({"last_day", "count", "weeks"} & self.found.keys())

    def _next(self, weekday: int) -> date:
        """Return the next such day: today while its first hour is still to come."""
        today = self.now.date()
        ahead = (weekday - today.weekday()) % 7
        if ahead == 0 and min(one.starts for one in self.ranges) <= self.now.time():
            ahead = 7
        return today + timedelta(days=ahead)


_KINDS = {"site": "un lieu", "adviser": "une personne", "meeting_type": "un type de rendez-vous"}


def _plain(word: str) -> str:
    """Return a word without accents nor capitals, its signs kept."""
    return fold(word) if word.isalpha() else "".join(fold(ch) or ch if ch.isalpha() else ch for ch in word)


def _fitting(words: list[str], known: Mapping[str, str]) -> list[str]:
    """Return which names hold these words, one after the other; the last may be a beginning of three letters or more.

    A name that is exactly these words wins over longer ones, and whole words over beginnings.
    """
    wanted = _pieces(words)
    fits: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for key, name in known.items():
        of_name = _pieces([_plain(word) for word in name.replace("’", "'").split()])
        ranks = [_rank(wanted, of_name, start) for start in range(len(of_name))]
        best = min((rank for rank in ranks if rank is not None), default=None)
        if best is not None:
            fits[best].append(key)
    return fits[0] or fits[1] or fits[2]


def _pieces(words: list[str]) -> list[str]:
    """« saint-denis » is two words, « d'information » too."""
    return [piece for word in words for piece in re.split(r"['-]", word) if piece]


def _rank(wanted: list[str], of_name: list[str], start: int) -> int | None:
    """Say how words fit a name from one of its words on: 0 the whole name, 1 whole words, 2 a beginning; None not."""
    there = of_name[start : start + len(wanted)]
    if not wanted or len(there) < len(wanted) or there[:-1] != wanted[:-1]:
        return None
    if there[-1] == wanted[-1]:
        return 0 if there == of_name else 1
    return 2 if len(wanted[-1]) >= 3 and there[-1].startswith(wanted[-1]) else None


def _weekday(name: str) -> int:
    return next(number for number, whole in enumerate(WEEKDAYS) if whole.startswith(name[:3]))


def _time(hours: str, minutes: str | None) -> time:
    try:
        return time(int(hours), int(minutes or 0))
    except ValueError:
        raise NotUnderstood(f"«\u00a0{hours}h{minutes or ''}\u00a0» n’est pas une heure.") from None
