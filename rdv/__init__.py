"""RDV Apprentissage: the first contact between candidates and apprenticeship centres."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Config
from rdv import cli, db, extensions, logs, web
from rdv.db import db as database


def create_app(config: Config | None = None) -> Flask:
    """Return the application: a table of contents, each line a part of the house."""
    settings = config or Config.from_env()
    app = Flask(__name__, root_path=str(ROOT), instance_path=str(settings.instance_dir.resolve()))
    app.config.from_mapping(settings.flask())
    logs.configure(app)
    app.session_interface = extensions.Sessions()
    if settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxy_hops, x_proto=settings.proxy_hops)  # type: ignore[method-assign]
    database.init_app(app)
    with app.app_context():
        import rdv.models  # noqa: F401  every table must be known before Alembic or the admin looks

        db.prepare_engine(database.engine, settings.sqlite_synchronous)
    extensions.migrate.init_app(
        app, database, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True
    )
    extensions.babel.init_app(app, locale_selector=lambda: "fr")
    extensions.mail.init_app(app)
    extensions.csrf.init_app(app)
    # Without its context processor, which would read the session in public pages too (design.md §5.8).
    extensions.login_manager.init_app(app, add_context_processor=False)
    web.register(app)
    cli.register(app)
    return app
