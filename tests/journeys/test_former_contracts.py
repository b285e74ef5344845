"""The contracts of today's service, replayed as the reference tells them: each field in its order, each error, whole bodies (reference/predecessor.md §3.2–3.4)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import api_keys, clock
from rdv.db import db
from rdv.models import ApiRefusal, Cfa, Platform, PlatformConsent, Site, Training
from tests import make
from tests.support.browser import Client

KEY = "088281P01313885594860007038855948600070-67118#L01"
ENCODED = "088281P01313885594860007038855948600070-67118%23L01"
V1 = "/api/appointment-request/context/create"
V2 = "/api/v2/appointment"
FIELDS = (
    '"etablissement_formateur_entreprise_raison_sociale":"CFA des Métiers","intitule_long":"ASSISTANCE TECHNIQUE D\'INGENIEUR (BTS)",'
    '"lieu_formation_adresse":"64 AVENUE DE LA PLAINE","code_postal":"93290","etablissement_formateur_siret":"38855948600070",'
    '"cfd":"32025001","localite":"TREMBLAY-EN-FRANCE",'
)
NOT_OPEN = '{"error":"Prise de rendez-vous non disponible."}'


class World:
    """One training that every platform knows, and that its centre let each of them show."""

    def __init__(self) -> None:
        self.cfa: Cfa = make.cfa(name="CFA des Métiers", siret="38855948600070")
        self.site: Site = make.site(
            self.cfa, siret="38855948600070", address="64 AVENUE DE LA PLAINE", postal_code="93290",
            city="TREMBLAY-EN-FRANCE", insee="93073", uai="0931234A",
        )  # fmt: skip
        self.training: Training = make.training(
            self.cfa, self.site, training_key=KEY, title="ASSISTANCE TECHNIQUE D'INGENIEUR (BTS)", diploma_code="32025001",
            rncp="RNCP38878", parcoursup_id="10013", onisep_id="AF.56380", rco_id="14_AF_1|14_SE_2|18817",
            parcoursup_visible=True, affelnet_visible=True,
        )  # fmt: skip
        for code in ("lba", "jeune_1_solution", "onisep", "parcoursup", "affelnet"):
            make.saved(PlatformConsent(cfa_id=self.cfa.id, platform_id=make.platform(code).id, state="active"))


@pytest.fixture
def world(app: Flask) -> World:
    return World()


def told(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, answer.get_data(as_text=True)


def error(status: int, phrase: str, message: str) -> tuple[int, str]:
    return status, f'{{"statusCode":{status},"error":"{phrase}","message":"{message}"}}'


def form(referrer: str) -> str:
    return f'"form_url":"http://localhost/rdva?referrer={referrer}&cleMinistereEducatif={ENCODED}"'


# -- §3.2, the open contract ------------------------------------------------------------------------------------------

ACCEPTED = [
    ({"idCleMinistereEducatif": KEY}, ("lba", "jeune_1_solution", "onisep", "parcoursup", "affelnet")),
    ({"idParcoursup": "10013"}, ("parcoursup",)),
    ({"idActionFormation": "AF.56380"}, ("onisep",)),
    ({"idRcoFormation": "14_AF_1|14_SE_2|18817"}, ("lba",)),
]
OPEN_REFUSALS = [
    ({"referrer": "lba"}, 400, "Critère de recherche non conforme."),
    ({"idCleMinistereEducatif": KEY}, 400, "Referrer introuvable."),
    ({"idCleMinistereEducatif": KEY, "referrer": "LBA"}, 400, "Referrer introuvable."),
    ({"idCleMinistereEducatif": KEY, "referrer": "cfa"}, 400, "Referrer introuvable."),
    ({"idParcoursup": "10013", "referrer": "lba"}, 400, "Referrer introuvable."),
    ({"idActionFormation": "AF.56380", "referrer": "parcoursup"}, 400, "Referrer introuvable."),
    ({"idCleMinistereEducatif": KEY, "referrer": "lba", "siret": "1"}, 400, "Request validation failed"),
    ({"idCleMinistereEducatif": 12, "referrer": "lba"}, 400, "Request validation failed"),
    ({"idCleMinistereEducatif": KEY, "referrer": "lba", "trainingHasJob": "oui"}, 400, "Request validation failed"),
    ([], 400, "Request validation failed"),
    ({"idParcoursup": "1\0", "referrer": "parcoursup"}, 400, "Request validation failed"),
    ({"idCleMinistereEducatif": "\ud800", "referrer": "lba"}, 400, "Request validation failed"),
]


@pytest.mark.parametrize(("identifier", "referrers"), ACCEPTED, ids=lambda each: next(iter(each)))
def test_open_contract_answers_its_fields_in_order(
    client: Client, world: World, identifier: dict[str, str], referrers: tuple[str, ...]
) -> None:
    for referrer in referrers:
        answer = client.post(V1, json={**identifier, "referrer": referrer, "trainingHasJob": True})
        rest = f'"id_rco_formation":"14_AF_1|14_SE_2|18817","cle_ministere_educatif":"{KEY}",{form(referrer)}'
        assert told(answer) == (200, f"{{{FIELDS}{rest}}}")


@pytest.mark.parametrize(("body", "status", "message"), OPEN_REFUSALS)
def test_open_contract_refuses_as_today(client: Client, world: World, body: Any, status: int, message: str) -> None:
    assert told(client.post(V1, json=body)) == error(status, "Bad Request", message)


def test_open_contract_refuses_what_is_no_json(client: Client, world: World) -> None:
    answer = client.post(V1, data="{", content_type="application/json")
    assert told(answer) == error(400, "Bad Request", "Request validation failed")


def test_open_contract_says_the_same_of_what_is_unknown_and_of_what_is_not_open(client: Client, world: World) -> None:
    unknown = client.post(V1, json={"idCleMinistereEducatif": "inconnue", "referrer": "lba"})
    assert told(unknown) == (200, NOT_OPEN)
    with make.writing() as session:
        session.execute(sa.update(PlatformConsent).values(state="refused"))
    refused = client.post(V1, json={"idCleMinistereEducatif": KEY, "referrer": "lba"})
    assert told(refused) == (200, NOT_OPEN)


def test_the_form_address_that_it_gives_leads_to_the_training(client: Client, world: World) -> None:
    answer = client.post(V1, json={"idCleMinistereEducatif": KEY, "referrer": "lba"})
    came = client.get(answer.get_json()["form_url"].removeprefix("http://localhost"))
    assert came.location == f"/formation/{world.training.public_id}?origine=lba"


def test_an_unknown_rco_id_is_null_and_the_first_identifier_wins(client: Client, world: World) -> None:
    with make.writing():
        world.training.rco_id = None
    body = {"idCleMinistereEducatif": KEY, "idParcoursup": "99", "referrer": "parcoursup"}
    assert '"id_rco_formation":null' in told(client.post(V1, json=body))[1]


def test_pages_of_public_services_may_read_the_open_contract(client: Client, world: World) -> None:
    for origin, allowed in (
        ("https://affectation3e.education.gouv.fr", True), ("https://www.onisep.fr", True),
        ("https://gouv.fr.pirate.example", False), ("http://www.education.gouv.fr", False), ("https://a.gouv.fr.", False),
    ):  # fmt: skip
        answer = client.open(V1, method="OPTIONS", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None), origin


def test_open_calls_of_one_network_are_limited(client: Client, world: World, change_settings: Any) -> None:
    change_settings(limit_open_api_per_minute=2)
    for _ in range(2):
        assert client.post(V1, json={"referrer": "lba"}).status_code == 400
    third = client.post(V1, json={"referrer": "lba"})
    assert told(third) == error(429, "Too Many Requests", "Rate limit exceeded, retry later")
    assert 1 <= int(third.headers["Retry-After"]) <= 60


# -- §3.3, the contract with a token ----------------------------------------------------------------------------------


def bearer(code: str, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {make.api_key(code, *scopes).secret}"}


@pytest.mark.parametrize(
    ("code", "identifier"),
    [
        ("parcoursup", {"parcoursup_id": "10013"}), ("parcoursup", {"cle_ministere_educatif": KEY}),
        ("onisep", {"onisep_id": "AF.56380"}), ("jeune_1_solution", {"cle_ministere_educatif": KEY}),
        ("affelnet", {"cle_ministere_educatif": KEY}),
    ],
)  # fmt: skip
def test_token_contract_answers_the_same_without_the_rco_id(
    client: Client, world: World, code: str, identifier: dict[str, str]
) -> None:
    answer = client.post(V2, json=identifier, headers=bearer(code))
    assert told(answer) == (200, f'{{{FIELDS}"cle_ministere_educatif":"{KEY}",{form(code)}}}')


def test_token_contract_refuses_as_today(client: Client, world: World, app: Flask) -> None:
    body = {"cle_ministere_educatif": KEY}
    unauthorized = "Unauthorized"
    assert told(client.post(V2, json=body)) == error(401, unauthorized, "Unable to parse token missing-bearer")
    bad = client.post(V2, json=body, headers={"Authorization": "Bearer eyJhbGciOi"})
    assert told(bad) == error(401, unauthorized, "Unable to parse token invalid-signature")
    lba = client.post(V2, json=body, headers=bearer("lba"))
    assert told(lba) == error(401, unauthorized, "Invalid organisation")
    ended = make.api_key("onisep")
    with make.writing():
        api_keys.rotate(ended.key, clock.now() - timedelta(days=2), days=1)
    late = client.post(V2, json=body, headers={"Authorization": f"Bearer {ended.secret}"})
    assert told(late) == error(401, unauthorized, "Unable to parse token expired")
    unscoped = client.post(V2, json=body, headers=bearer("onisep", "statistics:read"))
    assert told(unscoped) == error(403, "Forbidden", "Forbidden")
    unknown = client.post(V2, json={"parcoursup_id": "1"}, headers=bearer("parcoursup"))
    assert told(unknown) == error(404, "Not Found", "Training not found")
    for wrong in ({}, {"parcoursup_id": "10013", "onisep_id": "AF.56380"}, {"cle": KEY}, {"parcoursup_id": 10013}):
        answer = client.post(V2, json=wrong, headers=bearer("parcoursup"))
        assert told(answer) == error(400, "Bad Request", "Request validation failed")


def test_token_contract_says_what_is_not_open(client: Client, world: World) -> None:
    with make.writing():
        world.training.parcoursup_visible = False
    answer = client.post(V2, json={"parcoursup_id": "10013"}, headers=bearer("parcoursup"))
    assert told(answer) == (200, '{"error":"Appointment request not available"}')


def test_what_a_key_was_refused_is_kept_for_the_service_team(client: Client, world: World) -> None:
    client.post(V2, json={"parcoursup_id": "1"}, headers=bearer("parcoursup"))
    kept = db.session.scalars(sa.select(ApiRefusal)).one()
    assert (kept.endpoint, kept.status, kept.problem) == ("api.former_token", 404, "contrat-inconnue")


def test_what_is_too_long_or_too_often_is_refused_and_kept_too(
    client: Client, world: World, change_settings: Any
) -> None:
    headers = bearer("parcoursup")
    change_settings(limit_api_per_minute=1)
    long = client.post(V2, data=b" " * 300_000, content_type="application/json", headers=headers)
    assert told(long) == error(413, "Request Entity Too Large", "Request body is too large")
    often = client.post(V2, json={"parcoursup_id": "10013"}, headers=headers)
    assert told(often) == error(429, "Too Many Requests", "Rate limit exceeded, retry later")
    kept = db.session.scalars(sa.select(ApiRefusal).order_by(ApiRefusal.id))
    assert [(each.status, each.problem) for each in kept] == [(413, "contrat-corps"), (429, "limite")]


def test_a_stopped_platform_is_no_organisation(client: Client, world: World) -> None:
    headers = bearer("onisep")
    with make.writing() as session:
        session.execute(sa.update(Platform).where(Platform.code == "onisep").values(active=False))
    answer = client.post(V2, json={"onisep_id": "AF.56380"}, headers=headers)
    assert told(answer) == error(401, "Unauthorized", "Organisation not found")


# -- §3.4, the lists --------------------------------------------------------------------------------------------------


def test_bookable_parcoursup_ids(client: Client, world: World) -> None:
    make.training(world.cfa, world.site, parcoursup_id="20000", parcoursup_visible=False)
    answer = client.get("/api/partners/parcoursup/formations")
    assert told(answer) == (200, '{"ids":["10013"]}')
    again = client.get("/api/partners/parcoursup/formations", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_list_of_parcoursup_is_limited_as_the_other_open_calls(
    client: Client, world: World, change_settings: Any
) -> None:
    change_settings(limit_open_api_per_minute=2)
    path = "/api/partners/parcoursup/formations"
    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert told(client.post("/api/traininglinks", json=[]))[0] == 429  # one count for all that names nobody


LBA = "https://labonnealternance.apprentissage.beta.gouv.fr"
WISHES: list[tuple[dict[str, str], bool]] = [
    ({"cle_ministere_educatif": KEY}, True),
    ({"cle_ministere_educatif": "inconnue"}, False),
    ({"cfd": "32025001", "uai_lieu_formation": "0931234A"}, True),
    ({"cfd": "32025001", "siret_formateur": "38855948600070"}, True),
    ({"cfd": "32025001", "siret_formateur_responsable": "38855948600070"}, True),
    ({"rncp": "RNCP38878", "code_insee": "93073"}, True),
    ({"rncp": "RNCP38878", "code_postal": "75001"}, False),
    ({"cfd": "32025001"}, False),  # a diploma alone is no place
    ({"code_postal": "93290"}, False),
]


def test_links_of_wishes_in_their_order(client: Client, world: World) -> None:
    answer = client.post("/api/traininglinks", json=[{"id": str(n), **wish} for n, (wish, _) in enumerate(WISHES)])
    found = json.loads(told(answer)[1])
    assert [each["id"] for each in found] == [str(n) for n in range(len(WISHES))]
    assert [bool(each["lien_prdv"]) for each in found] == [opened for _, opened in WISHES]
    assert found[0]["lien_prdv"] == f"http://localhost/rdva?referrer=lba&cleMinistereEducatif={ENCODED}"
    assert list(found[0]) == ["id", "lien_prdv", "lien_lba"]
    assert found[0]["lien_lba"].startswith(LBA)


@pytest.mark.parametrize(
    "body",
    [
        {}, [{}], [{"id": ""}], [{"id": " "}], [{"id": "1", "cfd": 3}], [{"id": "1", "autre": "x"}], [{"id": "\ud800"}],
        [{"id": "1", "cle_ministere_educatif": "\0"}], [{"id": str(n)} for n in range(501)],
    ],
)  # fmt: skip
def test_wishes_that_are_not_of_the_contract(client: Client, world: World, body: Any) -> None:
    assert told(client.post("/api/traininglinks", json=body)) == error(400, "Bad Request", "Request validation failed")
