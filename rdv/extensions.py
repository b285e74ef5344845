"""Extension objects, unbound: create_app() binds them."""

from __future__ import annotations

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface
from flask_babel import Babel
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer


class SessionOnlyLogin(LoginManager):
    """Flask-Login without its « remember me » cookie, whose hook reads the session of every page, public ones too."""

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, whose signer is made once: making it costs as much as a calendar's poll, and most have no cookie."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer of this application's cookies."""
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    _signer: URLSafeTimedSerializer | None = None


babel = Babel()
csrf = CSRFProtect()
login_manager = SessionOnlyLogin()
mail = Mail()
migrate = Migrate()
