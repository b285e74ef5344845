"""« Chiffres »: what each role reads, by which address, and the files that hold the same."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy as sa

from rdv import clock, posters
from rdv.db import db
from rdv.models import AuditEntry, FirstAnswer
from tests import make
from tests.support.pages import sign_in, visit
from tests.support.queries import queries

URL = "/equipe/chiffres"
NASTY = '=HYPERLINK("http://mechant.example","Zoé")'
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class House:
    """A centre with two places, two advisers, and twelve requests of November; another centre with its own."""

    def __init__(self) -> None:
        self.cfa, self.other = make.cfa(), make.cfa()
        self.north, self.south = make.site(self.cfa, name="Nord"), make.site(self.cfa, name="Sud")
        self.bob = make.adviser(self.cfa, first_name="Bob", last_name="Garnier")
        self.carla = make.adviser(self.cfa, first_name="Carla", last_name="Petit")
        self.manager = make.manager(self.cfa)
        self.stranger = make.manager(self.other)
        with make.writing():
            for number in range(12):
                self.ask(number, self.north, self.bob if number < 8 else None, minutes=(number + 1) * 60)
            self.ask(12, self.south, self.carla, minutes=30)
            make.booking(
                make.slot(self.bob, self.north, starts_at="2026-11-10T14:00"), status="attended",
                request={"created_at": datetime(2026, 11, 5, 9, tzinfo=UTC)},
            )  # fmt: skip

    def ask(self, number: int, site, user, minutes: int) -> None:
        """A message of 1 November at 9 h and later; answered by somebody, or not at all."""
        at = datetime(2026, 11, 2, 8, tzinfo=UTC) + timedelta(hours=number)
        answered = at + timedelta(hours=2) if user else None
        request = make.candidate_request(
            self.cfa, mode="message", site_id=site.id, created_at=at, last_event_at=at, due_at=at + timedelta(days=2),
            first_name=NASTY if number == 0 else "Zoé", phone="+33199001234", platform_id=make.platform("lba").id,
            text="Mon texte secret", status="waiting_candidate" if user else "new", first_answered_at=answered,
        )  # fmt: skip
        if user:
            make.saved(
                FirstAnswer(
                    request_id=request.id, cfa_id=self.cfa.id, site_id=site.id, mode="message", user_id=user.id,
                    platform_id=request.platform_id, month=datetime(2026, 11, 1, tzinfo=UTC).date(), minutes=minutes,
                    on_time=number != 7, answered_at=answered,
                )
            )  # fmt: skip


@pytest.fixture
def house(app, freeze):
    freeze("2026-11-24T08:00Z")
    return House()


def figures(page) -> dict[str, str]:
    return {node.one("dt").text: node.one(".rdv-figure__value").text.split(",")[0] for node in page.all(".rdv-figure")}


def table(page) -> list[list[str]]:
    return [[cell.text for cell in row.all("th, td")] for row in page.all("#repartition tbody tr")]


def test_a_manager_reads_the_centre_and_each_part_of_it(house, client):
    sign_in(client, house.manager)
    page = visit(client, URL)
    assert "Du 26 octobre au 24 novembre 2026." in page.text
    found = figures(page)
    assert (found["Demandes reçues"], found["Répondues"], found["Dans le délai promis"]) == ("13", "9", "8")
    assert (found["En attente"], found["Délai médian"], found["9 réponses sur 10"]) == ("4", "4 h", "Trop peu")
    assert "9 réponses : trop peu pour ce calcul." in page.text
    assert "69 % des demandes reçues." in page.text
    assert "Dont 4 en retard." in page.text
    assert (found["Demandes, tous moyens"], found["Avec un rendez-vous"], found["Venues"]) == ("14", "1", "1")
    assert (found["Inscriptions"], found["Présents"], found["Absents"]) == ("1", "1", "0")
    assert all(node.one(".rdv-figure__text").text for node in page.all(".rdv-figure"))  # each says what it counts
    assert table(page) == [
        ["Bob Garnier", "8", "7", "4 h", "Trop peu", "1", "1", "0"],
        ["Carla Petit", "1", "1", "Trop peu", "Trop peu", "0", "0", "0"],
    ]
    # Filters live in the address, and go from one link to the next.
    of_place = visit(client, f"{URL}?periode=12-mois&lieu={house.north.public_id}&par=lieu")
    assert figures(of_place)["Demandes reçues"] == "12"
    assert table(of_place) == [["Nord", "12", "8 (67 %)", "7", "4", "4 h", "Trop peu", "1", "1", "0"]]
    by_kind = visit(client, of_place.link("Type"))
    assert [row[:3] for row in table(by_kind)] == [["Message", "12", "8 (67 %)"], ["Rendez-vous", "0", "0"]]
    assert figures(by_kind)["Demandes reçues"] == "12"
    none = visit(client, f"{URL}?periode=dates&du=2026-10-01&au=2026-10-31&par=origine")
    assert "Du 1er octobre au 31 octobre 2026." in none.text
    assert figures(none)["Demandes reçues"] == "0"
    assert "Rien à répartir" in none.text
    # The picture has words, and a table.
    chart = page.all("svg.rdv-chart")[0]
    assert chart.one("title").text == "Demandes reçues par mois"
    assert chart.one("desc").text == (
        "13 demandes en douze mois, dont 9 répondues. Le mois le plus chargé est novembre 2026 : 13 demandes."
    )
    rows = [[cell.text for cell in row.all("th, td")] for row in page.all(".fr-accordion tbody tr")]
    assert rows[-1] == ["novembre 2026", "13", "9 (69 %)", "8", "4 h", "Trop peu"]
    assert len(rows) == 12


def test_an_adviser_reads_the_centre_and_their_own_line_alone(house, client):
    sign_in(client, house.carla)
    page = visit(client, URL)
    assert figures(page)["Demandes reçues"] == "13"
    assert [row[0] for row in table(page)] == ["Carla Petit"]
    assert "Bob" not in page.text
    for name in ("chiffres.csv", "chiffres.xlsx"):
        file = client.get(f"/equipe/{name}", buffered=True)
        text = file.text if name.endswith("csv") else str(sheets(file.data))
        assert "Carla Petit" in text
        assert "Bob Garnier" not in text


def test_another_centre_sees_nothing_of_it(house, client):
    sign_in(client, house.stranger)
    page = visit(client, f"{URL}?lieu={house.north.public_id}&par=lieu&periode=12-mois")
    assert figures(page)["Demandes reçues"] == "0"
    assert "Nord" not in page.text
    assert "Zoé" not in export(client, "csv").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("periode=dates&du=2026-11-30&au=2026-11-01", "La fin précède le début."),
        ("periode=dates&du=hier&au=2026-11-01", "Indiquez une date, par exemple 24/11/2026."),
        ("periode=dates", "Indiquez une date, par exemple 24/11/2026."),
        ("periode=dates&du=0001-01-01&au=9999-12-31", "Indiquez une date, par exemple 24/11/2026."),
        ("periode=dates&du=2020-01-01&au=2026-01-01", "Choisissez une période de deux ans au plus"),
        ("periode=siecle&lieu=x&formation=y&origine=z&type=t&par=p", None),
    ],
)
@pytest.mark.sqlite_only  # reading an address asks nothing of the database
def test_dates_that_make_no_sense_are_told_and_other_words_ignored(house, client, query, said):
    sign_in(client, house.manager)
    page = visit(client, f"{URL}?{query}")
    assert "Du 26 octobre au 24 novembre 2026." in page.text
    assert page.title.startswith("Erreur : ") is bool(said)
    assert said is None or said in page.text


def sheets(data: bytes) -> dict[str, list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {page.title: [[cell.value for cell in row] for row in page.iter_rows()] for page in book}


def lines(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";"))


def export(client, file_format: str):
    page = visit(client, f"{URL}?periode=12-mois")
    forms = [
        form for form in page.all("form") if "demandes" in (form.get("action") or "") and form.get("method") == "post"
    ]
    assert forms or "Aucune demande dans cette période" in page.text
    token = page.all("input[name=csrf_token]")[0].get("value")
    return client.post(
        "/equipe/chiffres/demandes?periode=12-mois", data={"csrf_token": token, "format": file_format}, buffered=True
    )  # fmt: skip


def test_what_came_by_each_poster(client, house):
    own = posters.own_tag(house.north)
    with make.writing():
        for source in (own, own, "salon-lille"):
            make.candidate_request(house.cfa, site_id=house.north.id, source=source, created_at=clock.now())
    sign_in(client, house.manager)
    page = visit(client, f"{URL}?par=affiche")
    counted = {row[0]: row[1] for row in table(page)}
    assert counted == {"Affiche du lieu Nord": "2", "salon-lille": "1", "Sans affiche": "13"}
    listed = list(csv.DictReader(io.StringIO(export(client, "csv").text.lstrip("\ufeff")), delimiter=";"))
    assert sorted(row["Affiche"] for row in listed if row["Affiche"]) == sorted([own, own, "salon-lille"])


def test_the_figures_as_files_say_what_the_page_says(house, client):
    sign_in(client, house.manager)
    answer = client.get(f"{URL}.csv?periode=30-jours&lieu={house.north.public_id}")
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "text/csv", "no-store")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="chiffres-2026-10-26-2026-11-24.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbf")
    heads, whole, *rest = lines(answer)
    told = dict(zip(heads, whole, strict=True))
    assert (told["Demandes reçues"], told["Répondues"], told["Taux de réponse"]) == ("12", "8", "66,7\u00a0%")
    assert (told["Délai médian (minutes ouvrées)"], told["9 réponses sur 10 (minutes ouvrées)"]) == ("240", "")
    assert ["Par mois", "01/11/2026", "12", "8"] in [row[:4] for row in rest]
    answer = client.get(f"{URL}.xlsx", buffered=True)
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, XLSX, "no-store")
    found = sheets(answer.data)
    assert list(found) == [
        "Ensemble", "Par mois", "Par conseiller", "Par lieu", "Par formation", "Par origine", "Par affiche", "Par type",
        "Définitions",
    ]  # fmt: skip
    assert found["Ensemble"][1][1:5] == [13, 9, pytest.approx(9 / 13), 8]
    assert {row[0] for row in found["Par lieu"][1:]} == {"Nord", "Sud"}
    assert ["Période", "du 26 octobre au 24 novembre 2026"] in [
        [row[0], str(row[1]).replace("\u00a0", " ")] for row in found["Définitions"]
    ]
    assert any(row[0] == "Répondues" and "message vocal" in str(row[1]) for row in found["Définitions"])


def test_the_list_of_requests_holds_contacts_for_a_manager_alone_and_is_told_to_the_journal(house, client):
    sign_in(client, house.manager)
    answer = export(client, "csv")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    heads, *rows = lines(answer)
    assert len(rows) == 14
    told = dict(zip(heads, rows[0], strict=True))
    assert told["Prénom"] == f"'{NASTY}"
    assert (told["Téléphone"], told["Reçue le"]) == ("01\u00a099\u00a000\u00a012\u00a034", "02/11/2026 09:00")
    assert (told["Délai (minutes ouvrées)"], told["Dans le délai"], told["Lieu"]) == ("60", "oui", "Nord")
    book = sheets(export(client, "xlsx").data)
    assert len(book["Demandes"]) == 15
    assert book["Demandes"][1][3] == f"'{NASTY}"
    assert "secret" not in answer.text + str(book)  # what a person wrote stays in the service
    adviser = client.application.test_client()
    sign_in(adviser, house.bob)
    for text in (export(adviser, "csv").text, str(sheets(export(adviser, "xlsx").data))):
        assert "Lambert" not in text
        assert "courriel.example" not in text
        assert "99\u00a000" not in text
    journal = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "requests.exported")).all()
    assert [(entry.user_id, entry.data["lines"], entry.data["contacts"]) for entry in journal] == [
        (house.manager.id, 14, True), (house.manager.id, 14, True), (house.bob.id, 14, False), (house.bob.id, 14, False),
    ]  # fmt: skip


@pytest.mark.sqlite_only  # the number of statements is the same on both
def test_a_page_and_a_file_ask_no_more_of_many_rows_than_of_few(house, client, monkeypatch):
    sign_in(client, house.manager)
    visit(client, URL)

    def asked() -> list[int]:
        counted = []
        for get in (
            lambda: visit(client, f"{URL}?par=formation"),
            lambda: client.get(f"{URL}.csv", buffered=True).data,
            lambda: export(client, "csv").data,
        ):
            with queries() as seen:
                get()
            counted.append(len(seen))
        return counted

    few = asked()
    with make.writing():
        for number in range(13, 40):
            training = make.training(house.cfa, house.south, title=f"CAP {number}")
            make.candidate_request(house.cfa, mode="message", site_id=house.south.id, training_id=training.id)
    many = asked()
    assert all(after <= before + 3 for before, after in zip(few, many, strict=True)), (few, many)
    monkeypatch.setattr("rdv.stats.listing.MOST", 5)
    assert few[0] < 40


def test_a_list_is_cut_where_the_page_says(house, client, monkeypatch):
    monkeypatch.setattr("rdv.stats.MOST", 5)
    sign_in(client, house.manager)
    assert "les 5 premières seulement" in visit(client, f"{URL}?periode=12-mois").text
