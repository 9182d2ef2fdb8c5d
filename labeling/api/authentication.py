"""Who calls the API."""

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from labeling.statements import find_one

_OWNER = 'id = (SELECT user_id FROM authtoken_token WHERE "key" = %s)'


class PlainTokenAuthentication(TokenAuthentication):
    """The framework's tokens, looked up by one plain query: every ranking asks this."""

    def authenticate_credentials(self, key: str) -> tuple[Any, str]:
        person = find_one(get_user_model(), _OWNER, [key]) if "\x00" not in key else None
        if person is None:
            raise AuthenticationFailed(_("Invalid token."))
        if not person.is_active:
            raise AuthenticationFailed(_("User inactive or deleted."))
        return person, key
