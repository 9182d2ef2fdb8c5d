#!/usr/bin/env python3
"""Luce's command line: `python manage.py help` lists every command."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"luce: {error}")  # a variable or a folder is wrong: its words say which
    except (OperationalError, ProgrammingError) as error:
        if not any(words in str(error) for words in ("no such table", "no such column", "does not exist")):
            raise
        sys.exit("luce: the database is empty or of another version; run: python manage.py migrate")


if __name__ == "__main__":
    main()
