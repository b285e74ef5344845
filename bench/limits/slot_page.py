"""The floor of a page of slots over HTTP: one Flask file, Core and Jinja, the same slots and the same bytes.

One indexed query, one template; what stands around the slots is our own page's, read from the file that LIMIT_FRAME names.
Run by gunicorn like the service, with DATABASE_URL.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, render_template_string

app = Flask(__name__)
engine = sa.create_engine(os.environ["DATABASE_URL"])
PARIS = ZoneInfo("Europe/Paris")
HEAD, TAIL = Path(os.environ["LIMIT_FRAME"]).read_text(encoding="utf-8").split("<!-- slots -->")
NEXT = sa.text(
    "SELECT slot.public_id, slot.starts_at FROM slot JOIN training_site ON training_site.site_id = slot.site_id "
    "JOIN training ON training.id = training_site.training_id WHERE training.public_id = :training AND slot.status = 'open' "
    "AND slot.training_scope = 'site' AND slot.starts_at > :now AND slot.seats_taken < slot.capacity "
    "ORDER BY slot.starts_at, slot.id LIMIT 61"
)
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
PAGE = """{{ head|safe }}{% for day, slots in days %}<h2 class="rdv-day">{{ day }}</h2>
<ul class="rdv-slots">
{% for slot in slots %}<li><a class="rdv-slot" href="/rendez-vous/{{ slot.id }}?formation={{ training }}"><span class="rdv-slot__time"><span class="fr-sr-only">{{ day }}, </span>{{ slot.time }}</span>
<span class="rdv-slot__meta">20 min · Sur place <span class="rdv-slot__seats">En groupe</span></span>
</a></li>
{% endfor %}</ul>
{% endfor %}{{ tail|safe }}"""


@app.get("/sante")
def alive() -> str:
    return "ok"


@app.get("/formation/<training>")
def slots(training: str) -> str:
    now = datetime.now(UTC)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        wanted = {"training": training, "now": now.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else now}
        rows = connection.execute(NEXT, wanted).all()
    days: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        starts = datetime.fromisoformat(row.starts_at).replace(tzinfo=UTC) if sqlite else row.starts_at
        local = starts.astimezone(PARIS)
        day = f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"
        days.setdefault(day, []).append({"id": row.public_id, "time": f"{local.hour} h {local.minute:02d}"})
    return render_template_string(PAGE, head=HEAD, tail=TAIL, days=days.items(), training=training)
