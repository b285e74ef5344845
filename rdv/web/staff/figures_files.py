"""The figures and the requests behind them, as files: written from data, sent as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from flask import Response, request, stream_with_context
from flask.typing import ResponseReturnValue
from werkzeug.wsgi import FileWrapper

from rdv import audit, clock, exports, french, inbox, stats
from rdv.agenda import home_zone
from rdv.candidate import ASKERS, REASONS
from rdv.db import transaction
from rdv.exports import Cell, Share, Sheet
from rdv.models import CandidateRequest, FirstAnswer
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.figures import only_user_id, sees_colleagues
from rdv.web.staff.figures_form import FiguresForm, of_address

ATTENDANCE = {
    "booked": "Inscrit", "cancelled": "Annulé", "attended": "Présent", "no_show": "Absent", "excused": "Excusé",
}  # fmt: skip
_HEADINGS = (
    "Demandes reçues", "Répondues", "Taux de réponse", "Dans le délai promis", "En attente", "Closes sans réponse",
    "Délai médian (minutes ouvrées)", "9 réponses sur 10 (minutes ouvrées)", "Inscriptions", "Présents", "Absents", "Excusés",
    "Sans suite notée", "Annulations",
)  # fmt: skip


# -- the figures ------------------------------------------------------------------------------------------------------


@bp.get("/equipe/chiffres.xlsx")
def figures_workbook() -> ResponseReturnValue:
    """The whole, each month, each distribution and the definitions, a sheet each."""
    form, now = of_address(request.args, current_cfa()), clock.now()
    parts = [Sheet(title, (first, *_HEADINGS), rows, (30,)) for title, first, rows in _tables(form, now)]
    about = [*_about(form, now), *((each.label, each.text) for each in stats.DEFINITIONS.values())]
    sheets = [*parts, Sheet("Définitions", ("Chiffre", "Ce qu’il compte"), about, (30, 110))]
    return _workbook(sheets, "chiffres", form, now)


@bp.get("/equipe/chiffres.csv")
def figures_csv() -> ResponseReturnValue:
    """The same lines in one table, which a CSV file holds."""
    form, now = of_address(request.args, current_cfa()), clock.now()
    rows = ((title, *row) for title, _first, rows in _tables(form, now) for row in rows)
    return _csv(Sheet("Chiffres", ("Répartition", "Partie", *_HEADINGS), rows), "chiffres", form)


def _tables(form: FiguresForm, now: datetime) -> list[tuple[str, str, list[Sequence[Cell]]]]:
    """Return each table: its name, what its lines are, its lines."""
    filters = form.filters
    total = stats.total(filters, now)
    whole = _row("Total", total.received, total.received.on_time, total.spread, total.met)
    trend = stats.trend(form.trend, now)
    months = [_row(each.month, each.received, each.received.on_time, each.spread, None) for each in trend]
    tables: list[tuple[str, str, list[Sequence[Cell]]]] = [
        ("Ensemble", "Période", [whole]),
        ("Par mois", "Mois", months),
    ]
    for by, label in stats.DIMENSION_LABELS.items():
        lines = stats.lines(filters, by, now, only_user_id() if by == "adviser" else None)
        rows = [_row(line.label, line.received, line.on_time, line.spread, line.met) for line in lines]
        tables.append((f"Par {label.lower()}", label, rows))
    return tables


def _row(
    name: Cell, received: stats.Received | None, on_time: int, spread: stats.Spread, met: stats.Met | None
) -> Sequence[Cell]:
    """Return a line; what has no sense there is left empty, and so is a median of too few answers."""
    asked: tuple[Cell, ...] = (None, spread.answers, None, on_time, None, None)
    if received is not None:
        rate = Share(received.rate) if received.rate is not None else None
        asked = (received.received, received.answered, rate, on_time, received.waiting, received.unanswered)
    came: tuple[Cell, ...] = (None,) * 6
    if met is not None:
        came = (met.booked, met.attended, met.no_show, met.excused, met.unknown, met.cancelled)
    return name, *asked, spread.median, spread.ninth, *came


def _about(form: FiguresForm, now: datetime) -> list[tuple[str, str]]:
    return [
        ("Centre", form.cfa.shown_name),
        ("Période", form.dates()),
        ("Filtres", ", ".join(form.words()) or "Aucun"),
        ("Fichier écrit le", french.moment(now, form.period.zone, year=True)),
    ]


# -- the requests -----------------------------------------------------------------------------------------------------


@bp.post("/equipe/chiffres/demandes")
def requests_file() -> ResponseReturnValue:
    """The requests of the period, one a line; with names and contacts for a manager alone. The journal is told first."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    form, full = of_address(request.args, cfa), sees_colleagues()
    as_workbook = request.form.get("format") != "csv"
    lines = min(stats.count(form.filters), stats.MOST)
    period = form.period
    with transaction():
        audit.record(
            "requests.exported", user=person, cfa=cfa,
            data={"from": period.first.isoformat(), "to": period.last.isoformat(), "lines": lines, "contacts": full},
        )  # fmt: skip
    form = of_address(request.args, current_cfa())  # rows are read anew after a transaction
    rows = (_line(found, answer, home_zone(form.cfa), full) for found, answer in stats.listed(form.filters))
    sheet = Sheet("Demandes", _columns(full), rows, (16, 18, 14))
    if not as_workbook:
        return _csv(sheet, "demandes", form)
    about = [*_about(form, now), ("Lignes", f"{lines}, {stats.MOST} au plus")]
    return _workbook([sheet, Sheet("À propos", ("", ""), about, (30, 110))], "demandes", form, now)


def _columns(full: bool) -> Sequence[str]:
    who = ("Prénom", "Nom", "Courriel", "Téléphone", "Demandé par") if full else ()
    return (
        "Référence", "Reçue le", "Type", *who, "Lieu", "Formation", "Origine", "Affiche", "Questions", "État", "Résultat", "Suivie par",
        "Réponse promise avant", "Première réponse le", "Délai (minutes ouvrées)", "Dans le délai", "Rendez-vous le", "Présence",
    )  # fmt: skip


def _line(found: CandidateRequest, answer: FirstAnswer | None, home: str, full: bool) -> Sequence[Cell]:
    """Return a request as plain cells, instants in the zone of its place; never what the person wrote."""
    zone = found.site.timezone if found.site else home
    held = found.booking
    who: tuple[Cell, ...] = ()
    if full:
        who = (
            found.first_name, found.last_name, found.email, french.phone(found.phone) or None, ASKERS.get(found.asker),
        )  # fmt: skip
    return (
        found.reference, _local(found.created_at, zone), inbox.MODE_LABELS[found.mode], *who,
        found.site.shown_name if found.site else None,
        found.training.shown_title if found.training else None,
        found.platform.name if found.platform else None,
        found.source,
        ", ".join(REASONS[key] for key in found.reasons if key in REASONS) or None,
        inbox.STATUS_LABELS[found.status],
        inbox.OUTCOME_LABELS[found.outcome] if found.outcome else None,
        found.owner.shown_name if found.owner else None,
        _local(found.due_at, zone),
        _local(found.first_answered_at, zone) if found.mode != "slot" else None,
        answer.minutes if answer else None,
        answer.on_time if answer else None,
        _local(held.starts_at, held.slot.site.timezone) if held else None,
        ATTENDANCE[held.status] if held else None,
    )  # fmt: skip


def _local(instant: datetime | None, zone: str) -> datetime | None:
    return clock.to_zone(instant, zone).replace(tzinfo=None) if instant else None


# -- files ------------------------------------------------------------------------------------------------------------


def _name(what: str, form: FiguresForm, ending: str) -> str:
    return f"{what}-{form.period.first.isoformat()}-{form.period.last.isoformat()}.{ending}"


def _csv(sheet: Sheet, what: str, form: FiguresForm) -> Response:
    lines: Iterator[str] = stream_with_context(exports.csv_lines(sheet))
    return _file(Response(lines, mimetype=exports.CSV), _name(what, form, "csv"))


def _workbook(sheets: Sequence[Sheet], what: str, form: FiguresForm, now: datetime) -> Response:
    file = exports.workbook(sheets, f"{what.capitalize()}, {form.cfa.shown_name}", now)
    return _file(Response(FileWrapper(file), mimetype=exports.XLSX, direct_passthrough=True), _name(what, form, "xlsx"))


def _file(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
