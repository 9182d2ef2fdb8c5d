#!/usr/bin/env python3
"""Luce's command line: `python manage.py help` lists every command."""

import os
import re
import sys


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"  # whatever another project has left there
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"luce: {error}")  # a variable or a folder is wrong: its words say which
    except (OperationalError, ProgrammingError) as error:
        said = " ".join(str(error).split())
        if re.search("no such (table|column)|(relation|column) .* does not exist", said):
            sys.exit("luce: the database is empty or of another version; run: python manage.py migrate")
        if not re.search("connection|resolve host|unable to open|database .* does not exist", said):
            raise
        sys.exit(f"luce: the database cannot be used: {said.rstrip('.')}. DATABASE_URL names it.")


if __name__ == "__main__":
    main()
