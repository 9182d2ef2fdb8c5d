"""A person's browser, without the browser: signs in with a session cookie and CSRF token, then speaks JSON.

Standard library only, so that what it measures is the site.
"""

import http.cookiejar
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class SiteError(Exception):
    """The site answered with an error; the message carries method, path, status and the site's own words."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path} answered {status}: {body[:500]}")
        self.status = status
        self.body = body


class Client:
    """One signed-in session on the site at `base` (such as http://127.0.0.1:8000)."""

    def __init__(self, base: str, timeout: float = 60) -> None:
        self.base = base
        self.timeout = timeout
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # the site is on this machine, which no proxy knows
            urllib.request.HTTPCookieProcessor(self.cookies),
        )

    def sign_in(self, username: str, password: str, path: str = "/sign-in/") -> None:
        """Sign in through the form that people use."""
        self._send("GET", path)
        form = {"username": username, "password": password, "csrfmiddlewaretoken": self._csrf()}
        self._send("POST", path, urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")
        if not any(cookie.name.startswith("sessionid") for cookie in self.cookies):
            raise SiteError("POST", path, 200, f"{username} could not sign in")

    def get(self, path: str) -> Any:
        return json.loads(self._send("GET", path))

    def text(self, path: str) -> str:
        return self._send("GET", path)

    def post(self, path: str, data: dict[str, Any] | None = None, attempts: int = 3) -> Any:
        """POST JSON. A lost connection or a 5xx is tried again: every submit carries an idempotency key."""
        body = json.dumps(data or {}).encode()
        for attempt in range(attempts):
            try:
                answer = self._send("POST", path, body, "application/json")
                return json.loads(answer) if answer else None
            except SiteError as error:
                if error.status < 500 or attempt == attempts - 1:
                    raise
            except OSError:
                if attempt == attempts - 1:
                    raise
            time.sleep(0.5 * 2**attempt)
        raise AssertionError("unreachable")

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> str:
        headers = {"X-CSRFToken": self._csrf(), "Referer": self.base, "Accept": "*/*"}
        if kind:
            headers["Content-Type"] = kind
        url = self.base + path  # http on the loopback address, chosen by the play
        request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310
        try:
            with self.opener.open(request, timeout=self.timeout) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            raise SiteError(method, path, error.code, error.read().decode(errors="replace")) from None
