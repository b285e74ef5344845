"""« Boîte d’envoi »: mails as pages, in development only."""

import pytest

from rdv import clock, create_app, delivery
from rdv.db import transaction
from rdv.models import OutgoingSms
from tests import make
from tests.support import databases
from tests.support.mail_cases import CASES, NOW, House
from tests.support.pages import visit

QUOTED = ["zoe@courriel.example"]


@pytest.fixture
def confirmed(app, freeze):
    freeze(NOW)
    return CASES["booking_confirmed"](House())


def test_a_mail_not_rendered_yet_is_shown_waiting(client, confirmed):
    page = visit(client, "/boite-envoi")
    assert "Pas encore rédigé" in page.text
    assert "En attente" in page.text
    page = visit(client, page.link("Pas encore rédigé"))
    assert "En attente" in page.text
    assert not page.all("iframe")
    visit(client, "/boite-envoi/courriel-demo/html", status=404)


def test_a_sent_mail_is_shown_as_its_reader_sees_it(client, confirmed):
    delivery.deliver_due()
    page = visit(client, "/boite-envoi")
    assert "Envoyé" in page.text
    page = visit(client, page.link("Rendez-vous confirmé"))
    assert "Référence : KTR-B48-26X" in page.text
    assert page.links("http://localhost/suivi/")
    frame = page.one("iframe")
    assert "allow-same-origin" not in frame.get("sandbox")
    assert "allow-scripts" not in frame.get("sandbox")
    part = client.get(frame.get("src"))
    assert "Rendez-vous confirmé" in part.text
    policy = part.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "Set-Cookie" not in part.headers


def test_looking_sends_nothing(client, confirmed):
    before = confirmed.status, confirmed.attempts
    visit(client, "/boite-envoi/courriel-demo")
    assert (confirmed.status, confirmed.attempts) == before


def test_text_messages_are_shown_with_their_link(client, confirmed):
    text = OutgoingSms(public_id="texte", kind="cancelled", dedup_key="texte", to_phone=confirmed.request.phone,
                       request_id=confirmed.request_id, booking_id=confirmed.booking_id, not_before=clock.now(),
                       data={"zone": "Europe/Paris"})  # fmt: skip
    make.saved(text)
    assert "Pas encore rédigé" in visit(client, "/boite-envoi").text
    with transaction():
        confirmed.booking.status = "cancelled"
    delivery.deliver_texts()
    page = visit(client, "/boite-envoi", checked=False)  # telephones know no no-break space
    assert "RDV annulé : mar. 01/12 à 14h, CFA" in page.text
    assert "01 99 00 56 78" in page.text
    assert "/r/" in page.link("http://localhost/r/")


def test_an_unknown_mail(client):
    visit(client, "/boite-envoi/inconnu", status=404)
    assert "Aucun courriel" in visit(client, "/boite-envoi").text


@pytest.mark.sqlite_only  # the URL map of another application
def test_production_has_no_such_page(database_url, instance_dir):
    settings = databases.settings(database_url, instance_dir, env="production", testing=False)
    addresses = [rule.rule for rule in create_app(settings).url_map.iter_rules()]
    assert not [address for address in addresses if "boite-envoi" in address]
