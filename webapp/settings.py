"""Settings of the site, read from environment variables and safe by default.

Without any variable this is one machine's set-up: SQLite and everything else under `var/`, and the Valkey that the
supervisor starts. `docs/operator.md` lists every variable with what goes wrong when it is set badly.
"""

import contextlib
import os
import secrets
import socket
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from webapp import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

VAR_DIR = Path(env.text("LUCE_VAR") or BASE_DIR / "var").absolute()
try:
    # passwords' hashes lie in it: on a machine of several people it is its owner's alone
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"Cannot make the data folder {VAR_DIR}: {error.strerror}. LUCE_VAR names it.") from None
DEBUG = env.switch("LUCE_DEBUG", default=False)
# One-click sign-in links exist only while this is on, and answer only to the loopback address.
DEMO = env.switch("LUCE_DEMO", default=False)


def _own_secret_key() -> str:
    """A key of this installation's own, made once: a key in the source would be everybody's (CVE-2023-43791)."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        partial = VAR_DIR / f"secret_key.{os.getpid()}"
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(60))
            # of two processes that start at once the first one's key holds, whole
            with contextlib.suppress(FileExistsError):
                os.link(partial, path)
        except OSError as error:
            raise ImproperlyConfigured(f"Cannot write the secret key {path}: {error.strerror}.") from None
        finally:
            with contextlib.suppress(OSError):  # on a disk that takes nothing there is nothing to take away
                partial.unlink()
    return path.read_text().strip()


SECRET_KEY = env.text("SECRET_KEY") or _own_secret_key()
# This machine's own names are always among them: a health check asks under one.
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS", default=[]), "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "webapp.apps.WebappConfig",
    "webapp.accounts",
    "training",
    "labeling",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.middleware.RequestLogMiddleware",
    "webapp.middleware.RankingsInTurnMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webapp.middleware.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# BEGIN IMMEDIATE takes the write lock at the start of a transaction: SQLite then waits `timeout` seconds for a busy
# database instead of failing in the middle, when a read lock cannot be upgraded.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;",
}
DATABASES = {"default": env.database("DATABASE_URL", default=VAR_DIR / "luce.sqlite3")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "webapp.databases.sqlite3"  # writers wait in turn instead of sleeping
    DATABASES["default"].setdefault("OPTIONS", {}).update(SQLITE_OPTIONS)
    # A file even in tests: processes and threads must meet in the same database.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.number("DATABASE_CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
CSRF_FAILURE_VIEW = "webapp.errors.csrf_failed"


def _broker_url() -> str:
    """REDIS_URL; without it the Valkey that the supervisor started, whose address it leaves in the data folder."""
    try:
        embedded = (VAR_DIR / "broker_url").read_text().strip()
    except OSError:
        embedded = ""
    return env.broker("REDIS_URL") or embedded or "redis://127.0.0.1:6379/0"


# The broker carries ids of rows; the database is the truth (a lost broker loses no work).
CELERY_BROKER_URL = _broker_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "light"
CELERY_TASK_ROUTES = {"training.tasks.execute_run": {"queue": "gpu"}}
# The run's own lease decides who works, so a second delivery after an hour does no harm. The time-outs keep a worker
# from waiting on a broker that does not answer; a page that queues a run waits less (training/actions/runs.py).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}
CELERY_BEAT_SCHEDULE = {
    "resume-abandoned-runs": {"task": "training.tasks.resume_abandoned_runs", "schedule": 15.0},
    "free-expired-leases": {"task": "labeling.tasks.free_expired_leases", "schedule": 30.0},
    "worker-heartbeat": {"task": "webapp.tasks.beat", "schedule": 10.0},
}

# Luce speaks English so far. Without this list a browser that prefers another language would get the framework's own
# translations in the middle of it, in a page that says it is Arabic.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
# plotly.js comes inside the plotly package; nothing is fetched from elsewhere.
STATICFILES_DIRS = [("plotly", Path(find_spec("plotly").origin).parent / "package_data")]
STATICFILES_FINDERS = [
    "webapp.static_files.PlotlyScript",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "webapp.static_files.HashedStaticFiles"},
}
MEDIA_ROOT = VAR_DIR / "uploads"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

ARTIFACTS_DIR = Path(env.text("LUCE_ARTIFACTS", default=str(VAR_DIR / "artifacts")))
BUNDLED_MODEL_DIR = Path(env.text("LUCE_BUNDLED_MODEL_DIR", default=str(VAR_DIR / "models" / "SmolLM2-135M-Instruct")))
RUN_LEASE_SECONDS = env.number("LUCE_RUN_LEASE_SECONDS", default=60, least=5)
# 0 leaves the number of threads to PyTorch.
TORCH_THREADS = env.number("LUCE_TORCH_THREADS", default=0)

REST_FRAMEWORK = {
    # whose address a client is: our proxy says it, never the client itself
    "NUM_PROXIES": 1 if env.switch("LUCE_BEHIND_PROXY", default=False) else 0,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "labeling.api.authentication.PlainTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PARSER_CLASSES": [
        "labeling.api.parsers.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.rate("API_RATE_ANONYMOUS", default="60/min"),
        "user": env.rate("API_RATE_USER", default="6000/min"),
    },
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Luce",
    "DESCRIPTION": "Human preferences: prompts, completions, comparisons, judgments, batches, runs, models.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ProjectState": "labeling.models.project.Project.State",
        "ComparisonState": "labeling.models.comparison.Comparison.State",
        "MemberRole": "labeling.models.membership.Membership.Role",
        "PromptSource": "labeling.models.prompt.Prompt.Source",
        "GoldSource": "labeling.models.gold.GoldAnswer.Source",
        "AssignmentState": "labeling.models.assignment.Assignment.State",
        "RunState": "training.models.run.TrainingRun.State",
        "RunKind": "training.models.run.TrainingRun.Kind",
        "ModelKind": "training.models.model_version.ModelVersion.Kind",
        "EvaluationKind": "training.models.evaluation.Evaluation.Kind",
    },
}

# Safe by default; plain HTTP on a laptop's loopback address needs HTTPS switched off, which `make demo` does.
HTTPS = env.switch("LUCE_HTTPS", default=not (DEBUG or DEMO))
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.switch("LUCE_BEHIND_PROXY", default=False) else None
)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.number("LUCE_HSTS_SECONDS", default=31536000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
# Browsers keep cookies by host and forget the port: sites beside each other on 127.0.0.1 need names of their own.
SESSION_COOKIE_NAME = env.cookie("LUCE_SESSION_COOKIE", default="sessionid")
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

HOST_NAME = socket.gethostname()
LOG_LEVEL = env.choice("LUCE_LOG_LEVEL", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LUCE_LOG_FORMAT", default="json", choices=("json", "plain"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
        "plain": {"format": "%(asctime)s %(levelname)-7s %(name)s  %(message)s", "datefmt": "%H:%M:%S"},
    },
    "filters": {"ids": {"()": "webapp.logs.AddIds"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["ids"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # every page that is not there is a line of luce.request already
        "django.request": {"level": "ERROR"},
        # that the clock ticks is no news; a task that fails is
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
