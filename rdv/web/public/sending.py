"""What every form of a candidate does once posted: the same refusals, and the same earlier result for a replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, inbox, links
from rdv.candidate import Submission
from rdv.models import CandidateRequest
from rdv.tokens import sign_form


def personal_page(found: CandidateRequest, said: Mapping[str, Any] | None = None) -> ResponseReturnValue:
    """Lead to the page of a request, as whoever filled the form reads it (303: a reload posts nothing); `said`: more query."""
    token = links.personal_token(found, asker.who_asks(found))
    return redirect(url_for("public.personal", token=token, **(said or {})), 303)


def earlier_result(sent: Submission, said: Mapping[str, Any] | None = None) -> ResponseReturnValue | None:
    """Lead to what this very form already made, None when it made nothing; RequestReplayed when its content differed."""
    found = inbox.earlier(sent)
    return personal_page(found, said) if found is not None else None


def form_token(purpose: str, object_id: str, fresh: bool) -> str:
    """Return the token of the form to show: the posted one, so that a correction stays the same submission, or a new one."""
    kept = request.form.get("form_token")
    return kept if kept and not fresh else sign_form(purpose, object_id)
