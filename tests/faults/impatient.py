"""`manage.py demo` with a supervisor that starts again at once what was killed, however often.

The supervisor of a real site waits longer after each crash, up to half a minute, which is right for a process that
cannot live and would make two hundred kills take hours. Nothing else differs.
"""

import os
import sys

from webapp.supervisor import tree


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    tree.LONGEST_WAIT = 0.2
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "demo", "--no-prepare", "--stop-with-parent", *sys.argv[1:]])


if __name__ == "__main__":
    main()
