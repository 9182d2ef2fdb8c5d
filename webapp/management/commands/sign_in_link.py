"""`manage.py sign_in_link USERNAME`: a link that signs this person in, on this machine, while the demo runs."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from webapp.local_sign_in import sign_in_url
from webapp.supervisor.claims import port_in


class Command(BaseCommand):
    help = "Print a one-click sign-in link. It works from this machine only, and only while the site runs as a demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--port", type=int, help="Port of the web server (the running demo's own).")

    def handle(self, *args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(username=options["username"], is_active=True).first()
        if person is None:
            known = ", ".join(get_user_model().objects.filter(is_active=True).values_list("username", flat=True)[:10])
            raise CommandError(f"Nobody is called {options['username']}. There are: {known or 'no people yet'}.")
        if person.from_import:  # from now on somebody has a way in
            person.from_import = False
            person.save(update_fields=["from_import"])
        self.stdout.write(sign_in_url(person, options["port"] or port_in(settings.VAR_DIR)))
