"""Every identifier of a training, in every spelling that reaches us, means the same on the pages, the button and the API.

One table: what a site writes, and what it means. One test a door reads all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from rdv import clock
from rdv.models import PlatformConsent, Training, TrainingAlias
from tests import make
from tests.support.api import Caller
from tests.support.pages import visit

ONE, TWO, HALF, GONE = (f"08828{number}P013X1234567890123412345678901234-59350" for number in range(4))
RCO = "14_AF_0000013390|14_SE_0000805767##14_SE_0000974476|18817"
SIRET = "21590350100017"
# What a site writes (our names), and what it means: « one », « gone » (closed), « two » (a choice), « half » (two, of which
# one is closed), « third » and « far » by the end of a key, « unknown ».
TABLE: list[tuple[dict[str, str], str]] = [
    # clé ministères éducatifs
    ({"cle": f"{ONE}#L01"}, "one"),
    ({"cle": f"{ONE}%23L01"}, "one"),  # escaped twice
    ({"cle": f"  {ONE}#L01\n"}, "one"),
    ({"cle": f"{ONE} #L01"}, "one"),
    ({"cle": f"{ONE}#L01".lower()}, "one"),
    ({"cle": f"{ONE}%23l01".lower()}, "one"),
    ({"cle": ONE}, "one"),  # its end was lost
    ({"cle": f"{ONE}#"}, "one"),
    ({"cle": "088280P011X1234567890123412345678901234-59350#L01"}, "one"),  # replaced
    ({"cle": "088280p011x1234567890123412345678901234-59350%23l01"}, "one"),
    ({"cle": "088280P011X1234567890123412345678901234-59350"}, "one"),
    ({"cle": f"{TWO}#L01"}, "first"),
    ({"cle": f"{TWO}#L102"}, "third"),
    ({"cle": f"{TWO}#LAD"}, "far"),
    ({"cle": TWO}, "two"),
    ({"cle": TWO.lower()}, "two"),
    ({"cle": HALF}, "half"),
    ({"cle": f"{HALF}#L01"}, "closed half"),
    ({"cle": f"{GONE}#L01"}, "gone"),
    ({"cle": GONE}, "gone"),
    ({"cle": f"{ONE}#L09"}, "unknown"),
    ({"cle": ONE[:-1]}, "unknown"),
    # Parcoursup
    ({"parcoursup": "10013"}, "one"),
    ({"parcoursup": " 10 013 "}, "one"),
    ({"parcoursup": "20026"}, "two"),
    ({"parcoursup": "30039"}, "gone"),
    ({"parcoursup": "1001"}, "unknown"),
    # Onisep
    ({"onisep": "AF.56380"}, "one"),
    ({"onisep": "af.56380 "}, "one"),
    ({"onisep": "AF.99"}, "gone"),
    ({"onisep": "AF.5638"}, "unknown"),
    # Affelnet
    ({"affelnet": "A20/APP11237"}, "one"),
    ({"affelnet": "a20/app11237"}, "one"),
    ({"affelnet": "A20%2FAPP11237"}, "one"),
    ({"affelnet": "A20"}, "unknown"),
    # Carif-Oref, deprecated
    ({"rco": RCO}, "one"),
    ({"rco": RCO.lower()}, "one"),
    ({"rco": quote(RCO)}, "one"),
    ({"rco": "14_AF_0000013390"}, "unknown"),
    # SIRET and diploma
    ({"siret": SIRET, "cfd": "32025001"}, "one"),
    ({"siret": "215 903 501 00017", "cfd": "320 25001"}, "one"),
    ({"siret": SIRET, "cfd": "40025411"}, "two"),
    ({"siret": SIRET, "cfd": "50022137"}, "gone"),
    ({"siret": SIRET, "cfd": "99999999"}, "unknown"),
    # several: the first of docs/links.md wins
    ({"parcoursup": "20026", "cle": f"{ONE}#L01"}, "one"),
    ({"onisep": "AF.99", "parcoursup": "10013"}, "one"),
]  # fmt: skip
# The names of the two former contracts for ours (docs/links.md).
FORMER = {
    "cle": "cleMinistereEducatif", "parcoursup": "idParcoursup", "onisep": "idActionFormation", "rco": "idRcoFormation",
}  # fmt: skip


@dataclass
class World:
    trainings: dict[str, Training]
    caller: Caller

    def meant(self, meaning: str) -> list[Training]:
        """Return the trainings that a meaning names, those to choose from included."""
        if meaning == "two":
            return [self.trainings[name] for name in ("first", "third", "far")]
        return [] if meaning == "unknown" else [self.trainings[meaning]]


@pytest.fixture
def world(client: Any, freeze: Any) -> World:
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa(siret=SIRET)
    made: dict[str, Training] = {}

    def training(name: str, key: str, **columns: Any) -> None:
        made[name] = make.training(
            cfa, make.site(cfa), training_key=key, title=name, parcoursup_visible=True, **columns
        )

    training(
        "one", f"{ONE}#L01", parcoursup_id="10013", onisep_id="AF.56380", affelnet_id="A20/APP11237", rco_id=RCO,
        diploma_code="32025001",
    )  # fmt: skip
    for name, end in (("first", "L01"), ("third", "L102"), ("far", "LAD")):
        training(name, f"{TWO}#{end}", parcoursup_id="20026", diploma_code="40025411")
    training("half", f"{HALF}#L02", diploma_code="1")
    training("closed half", f"{HALF}#L01", diploma_code="1", closed_at=clock.now())
    training("gone", f"{GONE}#L01", parcoursup_id="30039", onisep_id="AF.99", closed_at=clock.now())
    make.saved(
        TrainingAlias(training_key="088280P011X1234567890123412345678901234-59350#L01", training_id=made["one"].id)
    )
    for code in ("parcoursup", "onisep", "lba"):
        make.saved(PlatformConsent(cfa_id=cfa.id, platform_id=make.platform(code).id, state="active"))
    return World(made, Caller(client, make.api_key("carif_oref")))


def closed(meaning: str) -> bool:
    return meaning in ("gone", "closed half")


def test_links_lead_to_the_training_to_a_choice_or_to_help(client, world):
    for said, meaning in TABLE:
        found = world.meant(meaning)
        pages = [f"/formation/{each.public_id}?origine=lba" for each in found]
        spelled = {FORMER.get(name, name): value for name, value in said.items()}
        for address, query in (
            ("/formation", {**said, "origine": "lba"}), ("/rdva", {**spelled, "referrer": "lba"}),
            ("/form", {**spelled, "referrer": "2"}), ("/espace-pro/form", {**spelled, "referrer": "LBA"}),
        ):  # fmt: skip
            answer = client.get(address, query_string=query)
            case = (address, said, meaning)
            assert "Set-Cookie" not in answer.headers
            if len(found) == 1:
                assert (answer.status_code, answer.location) == (302, pages[0]), case
                continue
            assert answer.status_code == (404 if meaning == "unknown" else 200), case
            shown = visit(client, f"{address}?{answer.request.query_string.decode()}", status=answer.status_code)
            assert shown.h1 == ("Choisissez le lieu" if found else "Formation introuvable"), case
            if found:
                assert {each for each in shown.links() if each.startswith("/formation/")} == set(pages), case
    for meaning in ("one", "half", "gone", "closed half"):
        (training,) = world.meant(meaning)
        visit(client, f"/formation/{training.public_id}?origine=lba", status=410 if closed(meaning) else 200)


def test_the_api_reads_them_all(world):
    for said, meaning in TABLE:
        found = world.meant(meaning)
        for path in ("/api/v1/training", "/api/v1/slots"):
            if not found:
                assert world.caller.get(path, 404, **said).json["type"].endswith("/formation-introuvable"), said
            elif len(found) > 1:
                told = world.caller.get(path, 409, **said).json
                assert {each["id"] for each in told["trainings"]} == {each.public_id for each in found}, said
            else:
                told = world.caller.get(path, **said).json
        if len(found) == 1:
            told = world.caller.get("/api/v1/training", **said).json
            assert told["training"]["id"] == found[0].public_id, said
            assert told["bookable"] is not closed(meaning), said


def test_the_document_says_what_is_deprecated(client):
    document = client.get("/api/v1/openapi.json").json
    parameters = document["paths"]["/api/v1/training"]["get"]["parameters"]
    assert [each["name"] for each in parameters if each.get("deprecated")] == ["rco"]
    assert document["components"]["schemas"]["TrainingMeant"]["properties"]["rco"]["deprecated"] is True


def test_links_of_many_are_told_in_their_order(world):
    states = {"unknown": "unknown", "two": "ambiguous", "gone": "not_bookable", "closed half": "not_bookable"}
    told = world.caller.post("/api/v1/training-links", {"trainings": [{"training": said} for said, _ in TABLE]}, 200)
    for (said, meaning), link in zip(TABLE, told.json["links"], strict=True):
        assert link["state"] == states.get(meaning, "bookable"), said
        if link["state"] == "bookable":
            assert link["training"] == world.trainings[meaning].public_id, said


def test_the_button_stands_where_the_training_is_open(client, world):
    for said, meaning in TABLE:
        told = client.get("/api/v1/button", query_string=said).json
        found = world.meant(meaning)
        assert told["bookable"] is bool(found and not closed(meaning)), said
        if meaning == "two":
            page = visit(client, told["url"].removeprefix("http://localhost"))
            assert page.h1 == "Choisissez le lieu", said
        elif told["bookable"]:
            assert told["url"].endswith(f"/formation/{found[0].public_id}"), said


def test_the_former_contracts_read_what_they_know(client, world):
    names = {"cle": ("idCleMinistereEducatif", "lba"), "rco": ("idRcoFormation", "lba"),
             "parcoursup": ("idParcoursup", "parcoursup"), "onisep": ("idActionFormation", "onisep")}  # fmt: skip
    for said, meaning in TABLE:
        if len(said) > 1 or not set(said) <= set(names) or meaning == "two":
            continue
        ((kind, value),) = said.items()
        name, referrer = names[kind]
        answer = client.post("/api/appointment-request/context/create", json={name: value, "referrer": referrer})
        told = answer.json
        if kind == "rco":  # today's service dropped it: the contract refuses the field, links and the API v1 read it
            assert answer.status_code == 400, said
            continue
        if meaning == "unknown" or closed(meaning):
            assert told == {"error": "Prise de rendez-vous non disponible."}, said
            continue
        (training,) = world.meant(meaning)
        # What a key means is bookable on that platform only if the platform knows it.
        assert told["cle_ministere_educatif"] == training.training_key, said
        assert client.get(told["form_url"].removeprefix("http://localhost")).location.startswith(
            f"/formation/{training.public_id}?origine={referrer}"
        )


def test_our_own_short_address_for_print(client, world):
    for meaning in ("one", "gone"):
        ident = world.trainings[meaning].public_id
        for typed in (ident, ident.upper(), f"{ident}%20"):
            answer = client.get(f"/f/{typed}?origine=cfa")
            assert (answer.status_code, answer.location) == (302, f"/formation/{ident}?origine=cfa"), typed
        assert world.caller.get("/api/v1/training", id=ident).json["training"]["id"] == ident
    visit(client, client.get("/f/inconnue").location, status=404)
    world.caller.get("/api/v1/training", 404, id="inconnue")
