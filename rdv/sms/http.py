"""The provider that speaks HTTP: the contract of docs/sms.md, which a gateway of a few lines fits to any operator."""

from __future__ import annotations

import json

from rdv import outgoing_http
from rdv.settings import settings
from rdv.sms.provider import SmsProviderDown, SmsPutOff, SmsRefused

# About this message, for good; any other 4xx is about us (token, address) and can be corrected meanwhile.
_REFUSED = (400, 413, 422)
_LATER = (409, 425)


class HttpProvider:
    """Posts JSON to SMS_URL with the bearer token SMS_TOKEN."""

    def send(self, to: str, text: str, idempotency_key: str) -> str | None:
        """Post one message; see `SmsProvider.send`."""
        config = settings()
        body = {"to": to, "text": text, "sender": config.sms_sender, "reference": idempotency_key}
        headers = {"Authorization": f"Bearer {config.sms_token}", "Idempotency-Key": idempotency_key}
        try:
            answer = outgoing_http.post_json(
                config.sms_url, body, headers, timeout=config.sms_timeout, allow_private=config.sms_allow_private
            )
        except outgoing_http.Unreachable as error:
            raise SmsProviderDown(str(error)) from None
        told = f"HTTP {answer.status}"
        if answer.status in (200, 201, 202):
            return _identifier(answer.body)
        if answer.status in _REFUSED:
            raise SmsRefused(told)
        if answer.status in _LATER:
            raise SmsPutOff(told)
        raise SmsProviderDown(told)


def _identifier(body: bytes) -> str | None:
    """Return the provider's identifier; an answer without one is still a message taken."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    given = found.get("id") if isinstance(found, dict) else None
    return str(given)[:80] if isinstance(given, str | int) and str(given).isprintable() else None
