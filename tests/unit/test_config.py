"""Settings: every problem said at once, nothing guessed in production."""

from __future__ import annotations

import stat
from dataclasses import fields

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config import ROOT, Config, ConfigError

PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "x" * 64,
    "DATABASE_URL": "postgres://rdv@base/rdv",
    "PUBLIC_URL": "https://rdv.exemple.fr/",
    "MAIL_BACKEND": "smtp",
    "MAIL_FROM": "rdv@exemple.fr",
    "SUPPORT_EMAIL": "aide@exemple.fr",
    "SMS_PROVIDER": "none",
}
TEXTING = {"SMS_PROVIDER": "http", "SMS_URL": "https://sms.exemple.fr/envois", "SMS_TOKEN": "jeton-du-fournisseur"}


def test_a_fresh_machine_needs_nothing(tmp_path):
    config = Config.from_env({"INSTANCE_DIR": str(tmp_path / "instance")})
    assert config.database_url == f"sqlite:///{tmp_path}/instance/rdv.sqlite"
    key = tmp_path / "instance" / "secret_key"
    assert len(config.secret_key) == 64
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert Config.from_env({"INSTANCE_DIR": str(tmp_path / "instance")}).secret_key == config.secret_key


def test_the_port_gives_the_address(tmp_path):
    assert Config.from_env({"PORT": "5003", "INSTANCE_DIR": str(tmp_path)}).public_url == "http://127.0.0.1:5003"


def test_production_with_all_it_needs(tmp_path):
    config = Config.from_env({**PRODUCTION, "INSTANCE_DIR": str(tmp_path)})
    assert config.database_url == "postgresql+psycopg://rdv@base/rdv"
    assert config.public_url == "https://rdv.exemple.fr"
    flask = config.flask()
    assert flask["SESSION_COOKIE_SECURE"]
    assert flask["SESSION_COOKIE_NAME"].startswith("__Host-")


def test_production_says_all_that_is_missing_at_once():
    with pytest.raises(ConfigError) as refused:
        Config.from_env({"APP_ENV": "production", "DEMO": "1"})
    for name in ("SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "MAIL_BACKEND", "MAIL_FROM", "DEMO", "SMS_PROVIDER"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_PORT", "vingt-cinq"),
        ("DEMO", "peut-être"),
        ("PUBLIC_URL", "rdv.exemple.fr"),
        ("PUBLIC_URL", "https://rdv.exemple.fr/sous/chemin"),
        ("MAIL_TLS", "oui"),
        ("MAIL_FROM", "RDV <rdv@exemple.fr>"),
        ("APP_ENV", "recette"),
        ("SQLITE_SYNCHRONOUS", "MAYBE"),
    ],
)
def test_a_wrong_value_names_its_setting(name, value):
    with pytest.raises(ConfigError, match=name):
        Config.from_env({name: value})


def test_a_relay_without_tls_is_for_this_machine_only():
    with pytest.raises(ConfigError, match="MAIL_TLS"):
        Config.from_env({**PRODUCTION, "MAIL_TLS": "none", "MAIL_SERVER": "relais.exemple.fr"})
    Config.from_env({**PRODUCTION, "MAIL_TLS": "none"})


def test_every_setting_is_documented():
    told = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = {"APP_ENV" if each.name == "env" else each.name.upper() for each in fields(Config)} - {"EXTRA", "TESTING"}
    assert {name for name in names if f"`{name}`" not in told} == set()


def test_text_messages_with_all_they_need(tmp_path):
    config = Config.from_env({**PRODUCTION, **TEXTING, "INSTANCE_DIR": str(tmp_path)})
    assert (config.sms_provider, config.sms_sender) == ("http", "RDV CFA")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMS_PROVIDER", "pigeon"),
        ("SMS_URL", ""),
        ("SMS_URL", "http://sms.exemple.fr/envois"),
        ("SMS_URL", "https://cle:secret@sms.exemple.fr/envois"),
        ("SMS_TOKEN", ""),
        ("SMS_TOKEN", "court"),
        ("SMS_TOKEN", "jeton-en-deux\r\nlignes-de-texte"),
        ("SMS_SENDER", "RDV Apprentissage"),
        ("SMS_SENDER", "Été"),
        ("PUBLIC_URL", "https://rendez-vous-apprentissage.un-nom-de-domaine-long.exemple.fr"),
    ],
)
def test_text_messages_refuse_a_wrong_setting_by_name(tmp_path, name, value):
    with pytest.raises(ConfigError, match=name):
        Config.from_env({**PRODUCTION, **TEXTING, "INSTANCE_DIR": str(tmp_path), name: value})


def test_a_gateway_of_one_s_own_network_is_allowed_by_name_alone(tmp_path):
    private = {**TEXTING, "SMS_URL": "http://10.0.0.7/envois", "INSTANCE_DIR": str(tmp_path)}
    with pytest.raises(ConfigError, match="SMS_URL"):
        Config.from_env(private)
    assert Config.from_env({**private, "SMS_ALLOW_PRIVATE": "1"}).sms_allow_private


def test_the_key_of_api_apprentissage_is_one_of_its_curve(tmp_path):
    def written(curve, end):
        key = ec.generate_private_key(curve).public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().replace("\n", end)

    good = written(ec.SECP521R1(), "\\n")  # on one line, as hosters want it
    environ = {"INSTANCE_DIR": str(tmp_path), "API_APPRENTISSAGE_PUBLIC_KEY": good}
    assert Config.from_env(environ).api_apprentissage_public_key == good.replace("\\n", "\n")
    for wrong in ("clé", written(ec.SECP256R1(), "\n")):
        with pytest.raises(ConfigError, match="API_APPRENTISSAGE_PUBLIC_KEY"):
            Config.from_env({**environ, "API_APPRENTISSAGE_PUBLIC_KEY": wrong})
