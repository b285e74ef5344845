"""WSGI entry point: gunicorn wsgi:app, flask --app wsgi …"""

from rdv import create_app

app = create_app()
