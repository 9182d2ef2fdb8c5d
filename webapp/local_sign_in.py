"""One-click sign-in for the demo: a signed link that works on this machine only.

Four things must hold, each for an attack that the others do not stop: the site is a demo (`LUCE_DEMO`); the token was
signed with this installation's own key; the connection comes from the loopback address and through no proxy; and the
Host header is a loopback name, because a page of any web site can point a name of its own at 127.0.0.1 (DNS
rebinding).
"""

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest
from django.urls import reverse

SALT = "luce.local-sign-in"
LASTS_SECONDS = 30 * 24 * 3600
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


def sign_in_token(person: Any) -> str:
    """A token for this person, bound to their password: changing it ends the links made before."""
    return signing.dumps([person.pk, person.get_session_auth_hash()[:16]], salt=SALT)


def sign_in_url(person: Any, port: int) -> str:
    """The link to print: `http://127.0.0.1:8000/local/<token>/`."""
    return f"http://127.0.0.1:{port}{reverse('local-sign-in', args=[sign_in_token(person)])}"


def person_of(token: str) -> Any | None:
    """Whose token it is; None if it is forged, too old, or its person may not sign in any more."""
    try:
        pk, proof = signing.loads(token, salt=SALT, max_age=LASTS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    person = get_user_model().objects.filter(pk=pk, is_active=True).first()
    return person if person is not None and person.get_session_auth_hash()[:16] == proof else None


def is_local(request: HttpRequest) -> bool:
    """Whether the request comes straight from this machine, addressed to a name of this machine."""
    if any(request.META.get(header) for header in FORWARDED):
        return False
    host = request.get_host()
    name = host[: host.index("]") + 1] if host.startswith("[") else host.split(":")[0]
    return is_loopback(request.META.get("REMOTE_ADDR", "")) and (name == "localhost" or is_loopback(name.strip("[]")))


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_allowed(request: HttpRequest) -> bool:
    """Whether one-click sign-in exists at all for this request."""
    return bool(settings.DEMO) and is_local(request)
