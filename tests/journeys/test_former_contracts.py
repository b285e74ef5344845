"""The contracts of today's service, replayed as the reference tells them: each field in its order, each error, whole bodies (reference/predecessor.md §3.2–3.4)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
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
]
RECORDED = json.loads((Path(__file__).parents[1] / "fixtures/former_contracts/refusals.json").read_text())


@pytest.mark.parametrize(("identifier", "referrers"), ACCEPTED, ids=lambda each: next(iter(each)))
def test_open_contract_answers_its_fields_in_order(
    client: Client, world: World, identifier: dict[str, str], referrers: tuple[str, ...]
) -> None:
    for referrer in referrers:
        answer = client.post(V1, json={**identifier, "referrer": referrer, "trainingHasJob": True})
        rest = f'"id_rco_formation":"14_AF_1|14_SE_2|18817","cle_ministere_educatif":"{KEY}",{form(referrer)}'
        assert told(answer) == (200, f"{{{FIELDS}{rest}}}")


def test_what_is_not_of_the_contracts_is_refused_as_it_was_recorded(client: Client, world: World) -> None:
    headers = bearer("parcoursup")
    assert len(RECORDED) > 50
    for each in RECORDED:
        answer = client.post(each["path"], data=each["sent"].encode(), content_type=each["type"], headers=headers)
        assert told(answer) == (each["status"], each["answered"]), each["sent"]


def test_the_one_identifier_that_may_be_empty_is_no_criterion(client: Client, world: World) -> None:
    answer = client.post(V1, json={"idParcoursup": "", "referrer": "parcoursup"})
    assert told(answer) == error(400, "Bad Request", "Critère de recherche non conforme.")


def test_constants_of_python_are_no_json(client: Client, world: World) -> None:
    answer = client.post(V1, data='{"idParcoursup": NaN}', content_type="application/json")
    assert told(answer)[0] == 400
    assert answer.json["data"]["rawError"]["code"] == "FST_ERR_CTP_INVALID_JSON_BODY"


@pytest.mark.parametrize("odd", ["1\0", "\ud800", " ", "x" * 300])
def test_a_text_that_no_database_can_look_for_is_an_unknown_training(client: Client, world: World, odd: str) -> None:
    assert told(client.post(V1, json={"idParcoursup": odd, "referrer": "parcoursup"})) == (200, NOT_OPEN)
    refused = client.post(V2, json={"parcoursup_id": odd}, headers=bearer("parcoursup"))
    assert told(refused) == error(404, "Not Found", "Training not found")


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


def test_an_unknown_rco_id_is_null(client: Client, world: World) -> None:
    with make.writing():
        world.training.rco_id = None
    body = {"idCleMinistereEducatif": KEY, "referrer": "parcoursup"}
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
    assert told(late) == error(401, unauthorized, "Unable to parse token token-expired")
    unscoped = client.post(V2, json=body, headers=bearer("onisep", "statistics:read"))
    assert told(unscoped) == error(403, "Forbidden", "Unauthorized")
    unknown = client.post(V2, json={"parcoursup_id": "1"}, headers=bearer("parcoursup"))
    assert told(unknown) == error(404, "Not Found", "Training not found")
    empty = client.post(V2, json={"parcoursup_id": ""}, headers=bearer("parcoursup"))
    assert told(empty) == error(404, "Not Found", "Training not found")
    first = client.post(V2, json={}, headers=bearer("lba"))
    assert told(first)[0] == 400  # the body is read before the organisation


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
    raw = '{"code":"FST_ERR_CTP_BODY_TOO_LARGE","name":"FastifyError","statusCode":413,"message":"Request body is too large"}'
    shape = error(413, "Request Entity Too Large", "Request body is too large")[1]
    assert told(long) == (413, f'{shape[:-1]},"data":{{"rawError":{raw}}}}}')
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


HOME = "https://labonnealternance.apprentissage.beta.gouv.fr"
CAMPAIGN = "utm_source=lba&utm_medium=email&utm_campaign=promotion-emploi-jeunes-voeux"
JOBS = "q=ASSISTANCE+TECHNIQUE+D%27INGENIEUR+%28BTS%29"
NEAR = "lieu_label=TREMBLAY-EN-FRANCE&latitude=48.95&longitude=2.56&radius=60"
END = f"search_source=training_links&{CAMPAIGN}"
WISHES: list[tuple[dict[str, Any], str]] = [
    ({"cle_ministere_educatif": KEY}, f"/recherche?mode=emplois&{JOBS}&{END}"),
    ({"cle_ministere_educatif": KEY, "code_insee": "93073"}, f"/recherche?mode=emplois&{JOBS}&{NEAR}&{END}"),
    ({"cle_ministere_educatif": "inconnue"}, f"/?{END}"),
    ({"cle_ministere_educatif": "\0", "mef": None, "cfd": "x" * 300}, f"/?{END}"),
    ({"cfd": "32025001", "uai_lieu_formation": "0931234A"}, f"/recherche?mode=emplois&{JOBS}&{END}"),
    ({"cle_ministere_educatif": "inconnue", "cfd": "32025001", "siret_formateur": "38855948600070"}, f"/recherche?mode=emplois&{JOBS}&{END}"),
    ({"cfd": "32025001", "siret_formateur_responsable": "38855948600070"}, f"/recherche?mode=emplois&{JOBS}&{END}"),
    ({"rncp": "RNCP38878", "code_insee": "93073"}, f"/recherche?mode=emplois&{JOBS}&{NEAR}&{END}"),
    ({"rncp": "RNCP38878", "code_postal": "75001"}, f"/?{END}"),
    ({"cfd": "32025001"}, f"/?{END}"),  # a diploma alone is no place
    ({"code_postal": "93290"}, f"/recherche?mode=emplois&{NEAR}&{END}"),
    ({"code_postal": "1000"}, f"/recherche?mode=emplois&lieu_label=BOURG&latitude=46.2&longitude=5.22&radius=60&{END}"),
]  # fmt: skip


def test_links_of_wishes_in_their_order(client: Client, world: World) -> None:
    with make.writing():
        world.site.latitude, world.site.longitude = 48.95, 2.56
    make.site(make.cfa(), postal_code="01000", insee="01053", city="BOURG", latitude=46.2, longitude=5.22)
    answer = client.post("/api/traininglinks", json=[{"id": str(n), **wish} for n, (wish, _) in enumerate(WISHES)])
    found = json.loads(told(answer)[1])
    assert all(list(each) == ["id", "lien_prdv", "lien_lba"] for each in found)
    assert [each["id"] for each in found] == [str(n) for n in range(len(WISHES))]
    assert [each["lien_lba"] for each in found] == [HOME + address for _, address in WISHES]
    form = f"http://localhost/rdva?referrer=lba&cleMinistereEducatif={ENCODED}&{CAMPAIGN}"
    # As today, only the key of a wish opens the form.
    assert [each["lien_prdv"] for each in found] == [
        form if wish.get("cle_ministere_educatif") == KEY else "" for wish, _ in WISHES
    ]
    came = client.get(form.removeprefix("http://localhost"))
    assert came.location.startswith(f"/formation/{world.training.public_id}?origine=lba")


def test_a_wish_whose_training_is_not_open_has_no_form(client: Client, world: World) -> None:
    with make.writing() as session:
        session.execute(sa.update(PlatformConsent).values(state="refused"))
    answer = client.post("/api/traininglinks", json=[{"id": "1", "cle_ministere_educatif": KEY}])
    assert answer.json[0]["lien_prdv"] == ""


def test_too_many_wishes(client: Client, world: World) -> None:
    answer = client.post("/api/traininglinks", json=[{"id": str(n)} for n in range(501)])
    assert told(answer) == error(413, "Request Entity Too Large", "500 wishes at most")


# -- §3.3, tokens of API Apprentissage --------------------------------------------------------------------------------

NOW = "2026-11-24T08:00Z"
SIGNER = ec.generate_private_key(ec.SECP521R1())
PEM = SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(code: Any = "parcoursup", key: Any = SIGNER, algorithm: str = "ES512", **changes: Any) -> dict[str, str]:
    """The header of a call that API Apprentissage passes on."""
    payload: dict[str, Any] = {
        "email": "api@parcoursup.example", "organisation": code, "habilitations": {"appointments:write": True, "jobs:write": False},
        "exp": clock.now() + timedelta(hours=1), "iat": clock.now(),
    } | changes  # fmt: skip
    payload = {name: value for name, value in payload.items() if value is not Ellipsis}
    return {"Authorization": f"Bearer {jwt.encode(payload, key, algorithm=algorithm)}"}


@pytest.fixture
def trusted(freeze: Any, change_settings: Any) -> None:
    freeze(NOW)
    change_settings(api_apprentissage_public_key=PEM)


@pytest.mark.parametrize("code", ["parcoursup", "onisep", "jeune_1_solution", "affelnet"])
def test_a_token_of_api_apprentissage_speaks_for_its_organisation(
    client: Client, trusted: None, world: World, code: str
) -> None:
    answer = client.post(V2, json={"cle_ministere_educatif": KEY}, headers=signed(code))
    assert told(answer) == (200, f'{{{FIELDS}"cle_ministere_educatif":"{KEY}",{form(code)}}}')
    ours = client.post(V2, json={"cle_ministere_educatif": KEY}, headers=bearer(code))
    assert told(ours) == told(answer)  # our own keys go on beside them


def test_a_token_that_proves_nothing_is_refused(
    client: Client, trusted: None, world: World, change_settings: Any
) -> None:
    other, small = ec.generate_private_key(ec.SECP521R1()), ec.generate_private_key(ec.SECP256R1())
    good = signed()["Authorization"]
    unread, algorithm = "Unable to parse token ", "Invalid token algorithm"
    past = clock.now() - timedelta(seconds=1)
    for headers, message in (
        ({"Authorization": good.replace("Bearer ", "")}, unread + "missing-bearer"),
        ({"Authorization": good[:-8] + "AAAAAAAA"}, unread + "invalid-signature"),
        ({"Authorization": "Bearer a.b.c"}, unread + "invalid-signature"),
        ({"Authorization": "Bearer " + "a" * 9000}, unread + "invalid-signature"),
        (signed(key=other), unread + "invalid-signature"),
        (signed(key=small, algorithm="ES256"), algorithm),
        (signed(key=b"x" * 64, algorithm="HS512"), algorithm),
        (signed(key=None, algorithm="none"), algorithm),
        (signed(exp=past), unread + "token-expired"),
        (signed(exp=clock.now()), unread + "token-expired"),
        (signed(exp=...), unread + "invalid-format"),
        (signed(nbf=clock.now() + timedelta(hours=1)), unread + "invalid-format"),
        (signed(email=...), unread + "invalid-format"),
        (signed(organisation=...), unread + "invalid-format"),
        (signed(habilitations=["appointments:write"]), unread + "invalid-format"),
        (signed(habilitations={"appointments:write": "true"}), unread + "invalid-format"),
        (signed("lba"), "Invalid organisation"),
        (signed("inconnue"), "Invalid organisation"),
    ):
        refused = client.post(V2, json={"cle_ministere_educatif": KEY}, headers=headers)
        assert told(refused) == error(401, "Unauthorized", message)
    for headers, message in (
        (signed(None), "Unauthorized: user organisation not defined"),
        (signed(habilitations={"jobs:write": True}), "Unauthorized"),
        (signed(habilitations={"appointments:write": False}), "Unauthorized"),
    ):
        refused = client.post(V2, json={"cle_ministere_educatif": KEY}, headers=headers)
        assert told(refused) == error(403, "Forbidden", message)
    change_settings(api_apprentissage_public_key="")
    refused = client.post(V2, json={"cle_ministere_educatif": KEY}, headers=signed())
    assert told(refused) == error(401, "Unauthorized", unread + "invalid-signature")


def test_calls_of_one_organisation_are_limited(
    client: Client, trusted: None, world: World, change_settings: Any
) -> None:
    change_settings(limit_api_per_minute=1)
    codes = [
        client.post(V2, json={"parcoursup_id": "10013"}, headers=signed(code)).status_code
        for code in ("parcoursup", "parcoursup", "onisep")
    ]
    assert codes == [200, 429, 200]
