"""A shopping list over HTTP: Django and Django REST framework, with SQLite."""

from __future__ import annotations

import os

import django
import sidecar_contract as sidecar
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from platformdirs import user_data_path

NAME = "service-django"
VERSION = "0.1.0"


def main() -> None:
    """Serve until the host says stop, or is gone."""
    sidecar.begin()
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": user_data_path(NAME, ensure_exists=True) / "list.sqlite",
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            *("django.contrib.contenttypes", "django.contrib.auth"),
            *("rest_framework", "shopping"),
        ],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
        ROOT_URLCONF="shopping.urls",
        SERVICE={"service": NAME, "version": VERSION},
        SECRET_KEY=os.environ.get("SHOPPING_KEY") or os.urandom(32).hex(),
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    server = ThreadedWSGIServer(("127.0.0.1", sidecar.port), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    sidecar.on_stop(server.shutdown)
    sidecar.ready(server.server_port)
    server.serve_forever()
    server.server_close()
    sidecar.wait()


if __name__ == "__main__":
    main()
