"""Every address that leaves the house leads to a page that exists."""

from __future__ import annotations

from urllib.parse import urlsplit

from rdv import links
from rdv.models import OutgoingMail
from tests import make


def test_each_link_is_a_route(app):
    cfa = make.cfa()
    site, adviser = make.site(cfa), make.adviser(cfa)
    slot, training = make.slot(adviser, site), make.training(cfa, site)
    request = make.candidate_request(cfa)
    addresses = {
        "public.personal": links.personal(request),
        "public.move": links.move(request),
        "public.cancel": links.cancel(request),
        "public.take_slot": links.take_slot(request, slot),
        "public.choose_slot": links.choose_slot(request),
        "public.presence": links.presence(request),
        "public.late": links.late(request, request.phone),
        "public.short": links.short(request, "+33639980001"),
        "cfa_link.request": links.answer(request),
        "staff.activate": links.activate(cfa, "a@cfa.example"),
        "staff.accept_invitation": links.invitation(adviser),
        "staff.reset": links.password_reset(adviser),
        "public.training": links.training(training),
        "public.cfa": links.cfa(cfa),
        "public.slot": links.slot(slot),
        "staff.request_detail": links.staff_request(request),
        "staff.slot": links.staff_slot(slot),
        "staff.agenda": links.staff_agenda(),
        "admin_evenements.index_view": links.admin_webhooks(),
        "staff.requests": links.staff_inbox(),
        "staff.day": links.staff_outcomes(),
        "staff.sign_in": links.sign_in(),
        "feeds.feed": links.feed("x" * 32),
        "devmail.show": links.development_mail(OutgoingMail(public_id="abcdefgh")),
    }
    routes = app.url_map.bind("localhost")
    found = {name: routes.match(urlsplit(address).path)[0] for name, address in addresses.items()}
    assert {name: endpoint for name, endpoint in found.items() if name != "devmail.show"} == {
        name: name for name in addresses if name != "devmail.show"
    }
    assert found["devmail.show"].startswith("devmail.")
