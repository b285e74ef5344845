"""How both databases read the inbox of a busy centre, among 24,000 requests: an index walked in order, from any page.

The statements are those that the functions send; sorting what an index could have given in order is refused.
"""

from __future__ import annotations

import re
from datetime import timedelta

from bench import inbox as scale
from rdv import inbox
from rdv.db import db

# By the list: the indexes that give it in order.
INDEXES = {
    "to treat": "ix_candidate_request_todo",
    "to treat, nobody's": "ix_candidate_request_owned",
    "to treat, mine": "ix_candidate_request_(owned|todo)",
    "new": "ix_candidate_request_(todo|inbox)",
    "callbacks, reachable first": "ix_candidate_request_todo",
    "waiting for the candidate": "ix_candidate_request_inbox",
    "over": "ix_candidate_request_cfa_created",
    "all": "ix_candidate_request_cfa_created",
}


def plan(statement, parameters) -> str:
    sqlite = db.engine.dialect.name == "sqlite"
    cursor = db.session.connection().connection.cursor()
    cursor.execute(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement, parameters)
    lines = [" ".join(map(str, row)) for row in cursor.fetchall()]
    cursor.close()
    return "\n".join(lines)


def check(name: str, index: str, act, *, sorts: bool = False) -> None:
    sent = [(text, values) for text, values in scale.Statements(act).seen if "FROM candidate_request" in text]
    assert sent, name
    for text, values in sent:
        read = plan(text, values)
        assert re.search(index, read), f"{name}\n{read}"
        whole = re.search(r"Seq Scan on candidate_request\b|SCAN candidate_request\b", read)
        assert not whole, f"{name}\n{read}"
        assert sorts or not re.search(r"\bSort\b|TEMP B-TREE", read), f"{name}\n{read}"


def test_every_list_walks_an_index_in_order_on_any_page_and_both_ways(app, engine_name, freeze):
    freeze(scale.NOW.isoformat())
    scale.fill(engine_name, 24_000, 50, 12_000)
    for name, index in INDEXES.items():
        wanted = scale.ASKED[name]
        first = inbox.page(scale.BUSY, wanted, scale.NOW)
        few = first.following is None  # mine: sorting a dozen rows costs nothing
        check(name, index, lambda wanted=wanted: inbox.page(scale.BUSY, wanted, scale.NOW), sorts=few)
        if few:
            continue
        check(
            f"{name}, next", index, lambda wanted=wanted, at=first: inbox.page(scale.BUSY, wanted, scale.NOW, at.following)
        )  # fmt: skip
        far = first
        for _ in range(15):  # from the beginning there would be little to sort
            far = inbox.page(scale.BUSY, wanted, scale.NOW, far.following) if far.following else far
        if far.following:
            check(
                f"{name}, back", index,
                lambda wanted=wanted, at=far: inbox.page(scale.BUSY, wanted, scale.NOW, before=at.following),
            )  # fmt: skip
    planned = scale.Statements(lambda: inbox.page(scale.BUSY, scale.ASKED["planned calls"], scale.NOW)).seen[-1]
    assert "ix_candidate_request_calls" in plan(*planned)
    tonight = scale.NOW + timedelta(hours=14)
    for counter, wanted in inbox.named(inbox.Filter(), tonight).items():
        (text, values) = scale.Statements(lambda wanted=wanted: inbox.count(scale.BUSY, wanted, scale.NOW)).seen[-1]
        read = plan(text, values)
        assert "ix_candidate_request_" in read, f"{counter}\n{read}"
        assert "Seq Scan on candidate_request" not in read, f"{counter}\n{read}"
