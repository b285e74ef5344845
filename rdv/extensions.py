"""Extension objects, unbound: create_app() binds them."""

from __future__ import annotations

from flask import Response
from flask_babel import Babel
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_wtf import CSRFProtect


class SessionOnlyLogin(LoginManager):
    """Flask-Login without its « remember me » cookie, whose hook reads the session of every page, public ones too."""

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


babel = Babel()
csrf = CSRFProtect()
login_manager = SessionOnlyLogin()
mail = Mail()
migrate = Migrate()
