"""`manage.py add_person USERNAME`: an account with a password made for it, and a role in a project."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from labeling.actions.errors import ActionError
from labeling.actions.projects import add_member
from labeling.models import Membership, Project


class Command(BaseCommand):
    help = "Make an account and print its password once. Somebody who has one keeps it and only gets the role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="The name that others see.")
        parser.add_argument("--project", help="Short name of a project they take part in.")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.ANNOTATOR)
        parser.add_argument("--staff", action="store_true", help="They may open new projects.")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        project = None
        if options["project"]:
            project = Project.objects.filter(slug=options["project"]).first()
            if project is None:
                raise CommandError(f"There is no project {options['project']}.")
        users = get_user_model().objects
        person = users.filter(username=options["username"]).first()
        if person is None:
            password = secrets.token_urlsafe(12)
            try:
                get_user_model().username_validator(options["username"])
            except ValidationError as error:
                raise CommandError(f"{options['username']!r}: {error.messages[0]}") from error
            person = users.create_user(
                options["username"], password=password, display_name=options["name"], is_staff=options["staff"]
            )
            self.stdout.write(f"{person.username} signs in with the password {password} (it is shown only now)")
        elif project is None:
            self.stdout.write(f"{person.username} has an account already; nothing was changed.")
        if project is not None:
            try:
                add_member(project=project, person=person, role=options["role"])
            except ActionError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{person} is {options['role']} of {project}")
