"""Settings of the service, read once from the environment.

`Config.from_env()` collects every problem before it refuses to start, so that a deployer corrects them in one go.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ROOT = Path(__file__).resolve().parent
REGISTERS = ROOT / "rdv" / "data" / "registers"
LONGEST_ORIGIN_IN_SMS = 50  # characters of PUBLIC_URL; the rest of 160 says when, where and what


class ConfigError(Exception):
    """The environment does not let the service start; the message lists every reason."""


@dataclass(frozen=True)
class Config:
    """Every setting, with its unit. Names are those of the environment variables, in capitals."""

    env: str = "development"  # development | production | test
    secret_key: str = ""
    database_url: str = ""
    instance_dir: Path = ROOT / "instance"
    public_url: str = "http://127.0.0.1:5000"  # origin of every link that leaves the house
    proxy_hops: int = 0  # trusted reverse proxies in front (ProxyFix)

    mail_backend: str = "folder"  # folder (.eml files in instance/outbox) | smtp
    mail_server: str = "127.0.0.1"
    mail_port: int = 25
    mail_username: str = ""
    mail_password: str = ""
    mail_tls: str = "starttls"  # starttls | tls | none (loopback only)
    mail_ca_file: str = ""  # certificate authority of a private relay
    mail_timeout: float = 15.0  # seconds
    mail_from: str = "rdv@rdv-apprentissage.example"
    controller: str = "l’équipe du service RDV Apprentissage"  # responsible for the data, as notices name it
    support_email: str = "aide@rdv-apprentissage.example"

    mail_most_per_day: int = 12  # automatic ones about one request to one address, in 24 hours: no loop
    mail_events_secret: str = ""  # signs what relays tell of our mails (docs/mail-events.md); none: not listened to
    mail_events_old_secret: str = ""  # still accepted while the relay changes to the new one

    sms_provider: str = "console"  # none | console (.txt files in instance/outbox) | http (docs/sms.md)
    sms_url: str = ""  # where the provider takes messages
    sms_token: str = ""  # bearer token
    sms_sender: str = "RDV CFA"  # what phones show as the sender: 3 to 11 letters, digits or spaces
    sms_timeout: float = 10.0  # seconds
    sms_most_per_day: int = 6  # to one number, in 24 hours
    sms_allow_private: bool = False  # a provider on a private address: tests, or a gateway of one's own

    api_apprentissage_public_key: str = (
        ""  # PEM, P-521: checks the tokens of its calls (docs/compatibility.md); none: refused
    )

    webhook_timeout: float = 10.0  # seconds for each step of telling a platform (docs/webhooks.md)
    webhook_allow_private: bool = False  # tests and development: plain http, private addresses
    # What opens where (rdv.consents); the days of campaigns are those of each platform, in /admin.
    platform_campaigns: bool = True  # False: nobody is invited, followed up nor reminded (a copy, a first deployment)
    opt_out_days: int = 15  # to refuse, then silence opens
    premium_follow_up_days: int = 10  # without an answer
    platform_link_days: int = 30  # links of these mails

    # Mails that nobody asked for, to one address in one day of its place. What is beyond waits for the next morning.
    staff_mails_most_per_day: int = (
        15  # new requests and follow-ups, all mails counted; the morning's digest tells the rest
    )
    candidate_mails_most_per_day: int = 4  # follow-ups alone: answers and confirmations always leave

    demo: bool = False  # allows `seed-demo` and `demo-facts`
    sqlite_synchronous: str = "FULL"  # OFF in tests only

    # What is kept of the person of a request (rdv.erasure).
    retention_months: int = 12  # after the last thing that happened, a meeting included
    retention_most_months: int = 18  # after it arrived, whatever happened since

    # The whole catalogue, imported every night: a file, a folder or an https address; empty: by hand alone.
    catalogue_source: str = ""
    catalogue_timeout: float = 30.0  # seconds for each step of a call to its server
    catalogue_max_megabytes: int = 1000
    catalogue_allow_private: bool = False  # tests and development: plain http, private addresses
    catalogue_most_closed: int = 5  # per cent of its trainings that a night may close
    # Registers that complete what the catalogue leaves empty (rdv/data/registers/README.md); empty: none.
    register_organisations: str = str(REGISTERS / "organismes.csv")
    register_places: str = str(REGISTERS / "lieux.csv")
    # Requests that a platform's usual rhythm would have brought during its silence, before the service team is told.
    platform_silence_expected: int = 12

    # Abuse limits: how many in a window, counted in the database (reference: design.md §5.8).
    limit_window: int = 3600  # seconds
    limit_posts_per_address: int = 60  # /24 or /48 prefix: a school shares one address
    limit_posts_per_contact: int = 10  # same e-mail or phone
    limit_posts_per_cfa: int = 600
    limit_requests_per_day: int = 12  # callbacks and messages of one person, in a day
    limit_feed_reads: int = 240  # whole calendars of one feed address, an hour; what did not change is not counted
    limit_api_per_minute: int = 120  # calls of one key
    limit_api_per_hour: int = 3000
    limit_open_api_per_minute: int = 600  # calls of the former contract, which names nobody, of one network
    limit_failed_secrets: int = 60  # wrong links and feed addresses, per address prefix
    limit_sign_in_per_account: int = 10
    limit_sign_in_per_address: int = 100
    form_min_seconds: float = 2.0  # a person needs longer to fill a form
    form_max_seconds: int = 4 * 3600  # then the form is shown again with what was typed

    testing: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Promise a configuration that can run, or raise ConfigError with every problem at once."""
        environ = os.environ if environ is None else environ
        problems: list[str] = []
        values: dict[str, Any] = {}
        for setting in fields(cls):
            if setting.name in ("extra", "testing"):
                continue
            raw = environ.get("APP_ENV" if setting.name == "env" else setting.name.upper())
            if raw is None or raw == "":
                continue
            try:
                values[setting.name] = _parse(raw, setting.type)
            except ValueError:
                problems.append(f"{setting.name.upper()}={raw!r} : valeur de type {setting.type} attendue")
        if "public_url" not in values and environ.get("PORT"):
            values["public_url"] = f"http://127.0.0.1:{environ['PORT']}"
        if "api_apprentissage_public_key" in values:  # on one line, as many hosters want it
            values["api_apprentissage_public_key"] = values["api_apprentissage_public_key"].replace("\\n", "\n")
        draft = cls(**values)
        problems += draft.problems()
        if problems:
            raise ConfigError("Configuration refusée :\n- " + "\n- ".join(problems))
        return draft.completed()

    def problems(self) -> list[str]:
        """List what stops this configuration from running, empty when nothing does."""
        found: list[str] = []
        if self.env not in ("development", "production", "test"):
            found.append(f"APP_ENV={self.env!r} : development, production ou test attendu")
        if self.mail_backend not in ("folder", "smtp"):
            found.append(f"MAIL_BACKEND={self.mail_backend!r} : folder ou smtp attendu")
        if self.mail_tls not in ("starttls", "tls", "none"):
            found.append(f"MAIL_TLS={self.mail_tls!r} : starttls, tls ou none attendu")
        if self.sqlite_synchronous not in ("FULL", "NORMAL", "OFF"):
            found.append(f"SQLITE_SYNCHRONOUS={self.sqlite_synchronous!r} : FULL, NORMAL ou OFF attendu")
        if self.sms_provider not in ("none", "console", "http"):
            found.append(f"SMS_PROVIDER={self.sms_provider!r} : none, console ou http attendu")
        if self.sms_provider == "http":
            found += self._sms_problems()
        found += self._mail_events_problems()
        if self.api_apprentissage_public_key and not _is_public_key(self.api_apprentissage_public_key):
            found.append("API_APPRENTISSAGE_PUBLIC_KEY : clé publique P-521 attendue, au format PEM")
        if not 1 <= self.retention_months <= self.retention_most_months:
            found.append("RETENTION_MONTHS : un mois au moins, et RETENTION_MOST_MONTHS au plus")
        url = urlsplit(self.public_url)
        if url.scheme not in ("http", "https") or not url.netloc or url.path not in ("", "/"):
            found.append(f"PUBLIC_URL={self.public_url!r} : origine attendue, par exemple https://rdv.exemple.fr")
        for name in ("mail_from", "support_email"):
            if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", getattr(self, name)):
                found.append(f"{name.upper()}={getattr(self, name)!r} : une seule adresse attendue, sans nom")
        if self.env != "production":
            return found
        if len(self.secret_key) < 32:
            found.append("SECRET_KEY : 32 caractères au moins (python -c 'import secrets; print(secrets.token_hex())')")
        if not self.database_url:
            found.append("DATABASE_URL : adresse de la base attendue, par exemple postgresql+psycopg://…")
        if url.scheme != "https":
            found.append("PUBLIC_URL : https obligatoire en production")
        if self.mail_backend != "smtp":
            found.append("MAIL_BACKEND : smtp obligatoire en production")
        if self.mail_tls == "none" and self.mail_server not in ("127.0.0.1", "localhost", "::1"):
            found.append("MAIL_TLS=none : réservé à un relais local")
        if self.sms_provider == "console":
            found.append("SMS_PROVIDER : http, ou none pour ne pas envoyer de SMS, en production")
        if self.webhook_allow_private:
            found.append("WEBHOOK_ALLOW_PRIVATE : interdit en production, les adresses viennent des plateformes")
        if self.catalogue_allow_private:
            found.append("CATALOGUE_ALLOW_PRIVATE : interdit en production, déposez plutôt un fichier")
        if self.mail_from.endswith(".example"):
            found.append("MAIL_FROM : une adresse réelle est obligatoire en production")
        if self.demo:
            found.append("DEMO : interdit en production")
        return found

    def _mail_events_problems(self) -> list[str]:
        found = [
            f"{name.upper()} : 32 caractères visibles au moins (python -c 'import secrets; print(secrets.token_hex())')"
            for name in ("mail_events_secret", "mail_events_old_secret")
            if not re.fullmatch(r"|[!-~]{32,}", getattr(self, name))
        ]
        if self.mail_events_old_secret and not self.mail_events_secret:
            found.append("MAIL_EVENTS_OLD_SECRET : seulement à côté de MAIL_EVENTS_SECRET, pendant un changement")
        return found

    def _sms_problems(self) -> list[str]:
        found: list[str] = []
        target = urlsplit(self.sms_url)
        if target.scheme not in (("http", "https") if self.sms_allow_private else ("https",)) or not target.hostname:
            found.append(
                f"SMS_URL={self.sms_url!r} : adresse https attendue, par exemple https://sms.exemple.fr/envois"
            )
        if target.username or target.password:
            found.append("SMS_URL : sans identifiants ; le jeton va dans SMS_TOKEN")
        if not re.fullmatch(r"[!-~]{16,}", self.sms_token):
            found.append("SMS_TOKEN : jeton du fournisseur attendu, 16 caractères visibles au moins")
        if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{1,9}[A-Za-z0-9]", self.sms_sender):
            found.append(f"SMS_SENDER={self.sms_sender!r} : 3 à 11 lettres ou chiffres, sans accent, attendus")
        if len(self.public_url) > LONGEST_ORIGIN_IN_SMS:
            found.append(
                f"PUBLIC_URL : {LONGEST_ORIGIN_IN_SMS} caractères au plus, pour que le lien tienne dans un SMS"
            )
        return found

    def completed(self) -> Config:
        """Return this configuration with a database, a key kept in instance/, and normalised addresses."""
        changes: dict[str, Any] = {"public_url": self.public_url.rstrip("/")}
        if not self.database_url:
            self.instance_dir.mkdir(parents=True, exist_ok=True)
            changes["database_url"] = f"sqlite:///{self.instance_dir / 'rdv.sqlite'}"
        else:
            changes["database_url"] = _explicit_driver(self.database_url)
        if not self.secret_key:
            changes["secret_key"] = _kept_key(self.instance_dir)
        return Config(**{f.name: changes.get(f.name, getattr(self, f.name)) for f in fields(self)})

    def flask(self) -> dict[str, Any]:
        """Map to the names Flask and its extensions read."""
        secure = self.public_url.startswith("https://")
        return {
            "RDV": self,
            "SECRET_KEY": self.secret_key,
            "TESTING": self.testing,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": {
                "hide_parameters": True,  # an error would quote people's data
                # Reads only: rdv.db.transaction() begins one.
                **({} if self.database_url.startswith("sqlite") else {"isolation_level": "AUTOCOMMIT"}),
            },
            "MAX_CONTENT_LENGTH": 256 * 1024,
            "MAX_FORM_PARTS": 400,
            "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
            "SESSION_COOKIE_SECURE": secure,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "PERMANENT_SESSION_LIFETIME": 12 * 3600,
            # Twelve hours from signing in, and no cookie sent again with every answer, public ones included.
            "SESSION_REFRESH_EACH_REQUEST": False,
            "WTF_CSRF_TIME_LIMIT": None,  # bound to the session, which ends by itself
            "WTF_CSRF_SSL_STRICT": secure,
            "SEND_FILE_MAX_AGE_DEFAULT": 31536000,  # names carry their content's version
            "BABEL_DEFAULT_LOCALE": "fr",
            "BABEL_DEFAULT_TIMEZONE": "UTC",
            **self.extra,
        }


def _is_public_key(pem: str) -> bool:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        return False
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP521R1)


def _parse(raw: str, kind: Any) -> Any:
    if kind == "bool":
        if raw.lower() in ("1", "true", "oui"):
            return True
        if raw.lower() in ("0", "false", "non"):
            return False
        raise ValueError(raw)
    return {"int": int, "float": float, "Path": Path}.get(str(kind), str)(raw)


def _explicit_driver(url: str) -> str:
    """Hosters still hand out postgres://, which SQLAlchemy 2.1 no longer knows."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _kept_key(folder: Path) -> str:
    """A key of this machine alone, made at the first start, so that `make run` asks no question."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "secret_key"
    if not path.exists():
        # Written apart then linked whole: two processes that start together end with the same key.
        draft = folder / f".secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
