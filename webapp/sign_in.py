"""The sign-in form, slow against guessing."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from rest_framework.throttling import AnonRateThrottle

WRONG_A_MINUTE = 10


class SignIn(LoginView):
    """Name and password. After WRONG_A_MINUTE wrong ones from an address it must wait, a minute at most.

    Counted in the web process, as the API's rates are; sign-ins that succeed are not counted.
    """

    template_name = "webapp/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if cache.get(_key(request), 0) < WRONG_A_MINUTE:
            return super().post(request, *args, **kwargs)
        form = self.get_form_class()(request)  # unbound: nothing is asked of the password
        words = "Too many wrong passwords from here. Wait a minute, then try again."
        return self.render_to_response(self.get_context_data(form=form, refused=words), status=429)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponseBase:
        cache.add(_key(self.request), 0, timeout=60)
        cache.incr(_key(self.request))
        return super().form_invalid(form)


def _key(request: HttpRequest) -> str:
    return f"wrong-sign-ins:{AnonRateThrottle().get_ident(request)}"
