"""The floor of any answer over HTTP: Flask alone, run by gunicorn like the service."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/sante")
def alive() -> str:
    return "ok"


@app.get("/bonjour")
def hello() -> str:
    return "Bonjour"
