"""Settings of a test run: the site's own, with a data folder of its own and the database it is asked for.

`LUCE_TEST_DATABASE=postgres` runs the tests on a real PostgreSQL that lives as long as the run; without it they run on
a SQLite file. `make test` does both.
"""

import atexit
import os
import shutil
import tempfile

from tests.postgres import start_postgres

_folder = tempfile.mkdtemp(prefix="luce-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["LUCE_VAR"] = _folder
os.environ.setdefault("LUCE_LOG_FORMAT", "plain")

_kind = os.environ.get("LUCE_TEST_DATABASE") or "sqlite"
if _kind not in ("sqlite", "postgres"):
    raise SystemExit(f"LUCE_TEST_DATABASE is {_kind!r}; it takes sqlite or postgres.")
_socket = start_postgres() if _kind == "postgres" else ""
os.environ["DATABASE_URL"] = f"postgres://postgres@/luce?host={_socket}" if _socket else ""

from webapp.settings import *  # noqa: E402, F403

if _socket:
    DATABASES["default"]["HOST"] = DATABASES["default"]["OPTIONS"].pop("host")  # noqa: F405
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405 - no thread of a test keeps the database from being dropped
SECURE_SSL_REDIRECT = False
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405 - WhiteNoise warns of a folder that is not there
# The hasher of the site is slow on purpose; a test signs many people in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Processes that a test starts read the site's settings, with the folder above and the database they are given.
os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
