"""The examples of docs/webhooks.md receive real deliveries, each in a server of its own language, copied from the page as it is.

They answer 204 to what is ours and 401 to the rest, so that a delivery accepted is a signature recognised.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, signature, webhooks
from rdv.db import db, transaction
from rdv.models import WebhookDelivery, WebhookEndpoint
from tests import make

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
# PHP's own interpreter (Debian: php-cli) where this machine has it: nothing of the service needs it.
LANGUAGES = ["python", *(["php"] if shutil.which("php") else [])]
PYTHON = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
{example}

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if is_ours(sys.argv[2], self.headers, body) else 401)
        self.end_headers()

    def log_message(self, *arguments):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PHP = """<?php
{example}
$body = file_get_contents('php://input');
http_response_code(is_ours(getenv('SECRET'), $_SERVER, $body) ? 204 : 401);
"""


def example(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return found


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def started(language, folder, port, secret):
    """Run a server of the platform that knows one secret, and wait until it listens."""
    if language == "python":
        (folder / "server.py").write_text(PYTHON.format(example=example("python")))
        command, environment = [sys.executable, "server.py", str(port), secret], {}
    else:
        (folder / "server.php").write_text(PHP.replace("{example}", example("php")))
        command, environment = [shutil.which("php"), "-S", f"127.0.0.1:{port}", "server.php"], {"SECRET": secret}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not listen"


@pytest.fixture(params=LANGUAGES)
def platform(request, app, tmp_path, change_settings):
    """An address told of requests, and how to run its server with a secret."""
    change_settings(webhook_allow_private=True, webhook_timeout=5.0)
    port, processes = free_port(), []
    with transaction():
        endpoint = webhooks.create(make.platform("lba"), f"http://127.0.0.1:{port}/rdv", ["created"], clock.now())

    def run(secret):
        while processes:
            stop(processes.pop())
        processes.append(started(request.param, tmp_path, port, secret))

    yield endpoint, run, port
    for process in processes:
        stop(process)


def stop(process):
    process.kill()
    process.wait()


def last_status():
    """Tell of one more request, and return what the platform's server answered."""
    make.candidate_request(make.cfa(), platform_id=make.platform("lba").id)
    webhooks.relay(clock.now())
    with transaction():
        db.session.execute(sa.update(WebhookEndpoint).values(resting_until=None))
    webhooks.deliver_due()
    db.session.rollback()
    return db.session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.id.desc()).limit(1)).one().last_status


def test_what_we_send_is_recognised_by_the_right_secret_alone(platform):
    endpoint, run, _port = platform
    run(webhooks.secret(endpoint))
    assert last_status() == 204
    run("whsec_faux")
    assert last_status() == 401


def test_while_the_secret_is_replaced_both_are_recognised(platform):
    endpoint, run, _port = platform
    former = webhooks.secret(endpoint)
    with transaction():
        new = webhooks.rotate(endpoint, clock.now())
    for secret in (former, new):
        run(secret)
        assert last_status() == 204


def posted(port, body, headers):
    call = urllib.request.Request(f"http://127.0.0.1:{port}/rdv", data=body, headers=headers)
    try:
        with urllib.request.urlopen(call, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_what_was_changed_or_is_old_or_unsigned_is_refused(platform):
    endpoint, run, port = platform
    secret, body = webhooks.secret(endpoint), b'{"id":"1","city":"Caen \xc3\xa9"}'
    run(secret)
    now = int(clock.now().timestamp())
    sound = {"X-RDV-Timestamp": str(now), "X-RDV-Signature": signature.sign(secret, now, body)}
    assert posted(port, body, sound) == 204
    assert posted(port, body + b" ", sound) == 401
    old = now - int(timedelta(minutes=6).total_seconds())
    assert (
        posted(port, body, {"X-RDV-Timestamp": str(old), "X-RDV-Signature": signature.sign(secret, old, body)}) == 401
    )
    assert posted(port, body, {"X-RDV-Timestamp": str(now)}) == 401
    assert posted(port, body, {"X-RDV-Signature": sound["X-RDV-Signature"]}) == 401
    assert posted(port, body, {**sound, "X-RDV-Timestamp": "x"}) == 401
    for wrong in ("9" * 5000, "\u00b2", "-1", "1e9", ""):  # a number to some, which no code may stumble on
        assert posted(port, body, {**sound, "X-RDV-Timestamp": wrong}) == 401, wrong
