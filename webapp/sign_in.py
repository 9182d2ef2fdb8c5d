"""The sign-in form, slow against guessing."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.throttling import AnonRateThrottle

WRONG_A_MINUTE = 10


class SignIn(LoginView):
    """Name and password. After WRONG_A_MINUTE wrong ones from an address it must wait, a minute at most.

    Counted in the web process, as the API's rates are; sign-ins that succeed are not counted.
    """

    template_name = "webapp/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # counted before the password is looked at, or guesses sent at once would all pass before the first is counted
        if _count(_key(request), +1) <= WRONG_A_MINUTE:
            return super().post(request, *args, **kwargs)
        form = self.get_form_class()(request)  # unbound: nothing is asked of the password
        words = "Too many wrong passwords from here. Wait a minute, then try again."
        return self.render_to_response(self.get_context_data(form=form, refused=words), status=429)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        _count(_key(self.request), -1)
        return super().form_valid(form)


def _key(request: HttpRequest) -> str:
    return f"wrong-sign-ins:{AnonRateThrottle().get_ident(request)}"


def _count(key: str, by: int) -> int:
    """Move the count of this minute, which begins with the first; the new count."""
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key, by)
    except ValueError:  # the minute ended between the two lines
        cache.set(key, max(by, 0), timeout=60)
        return max(by, 0)
