"""One table for every spelling that relays use, and what an SMTP refusal says of an address."""

import pytest

from rdv.delivery_events import kind_of, of_refusal


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        (
            "hard_bounce",
            ["hard_bounce", "hardBounce", "hard-bounce", "HARD_BOUNCE", "Bounce", "permanent_fail", "invalid_email"],
        ),
        ("soft_bounce", ["soft_bounce", "softBounce", "soft-bounce", "Soft Bounce", "temporary_fail"]),
        ("delivered", ["delivered", "Delivery"]),
        ("deferred", ["deferred", "delayed", "DeliveryDelay"]),
        ("blocked", ["blocked", "rejected", "Reject"]),
        ("complaint", ["complaint", "spam", "spamreport", "spam_complaint", "complained"]),
        ("unsubscribed", ["unsubscribed", "unsubscribe", "list_unsubscribe", "group_unsubscribe"]),
        (None, ["request", "sent", "opened", "unique_opened", "proxy_open", "click", "processed", "", "bounced ball"]),
    ],
)
def test_every_spelling_is_one_kind(kind, spellings):
    assert {spelling: kind_of(spelling) for spelling in spellings} == dict.fromkeys(spellings, kind)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (550, "5.1.1", "hard_bounce"),
        (550, "5.1.10", "hard_bounce"),
        (550, "5.2.1", "hard_bounce"),
        (550, None, "hard_bounce"),
        (553, None, "hard_bounce"),
        (552, "5.2.2", "soft_bounce"),
        (552, None, "soft_bounce"),
        (550, "5.7.1", None),  # the relay refuses us
        (554, "5.7.1", None),
        (554, None, None),
        (550, "5.1.8", None),  # our own address
        (550, "5.4.1", None),
        (None, None, None),
    ],
)
def test_only_a_refusal_of_the_address_says_something_of_it(code, status, kind):
    assert of_refusal(code, status) == kind
