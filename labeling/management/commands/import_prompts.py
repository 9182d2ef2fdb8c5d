"""manage.py import_prompts PROJECT FILE"""

from labeling.actions.importing import import_prompts
from labeling.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import prompts, with completions where given, from a Luce JSON Lines file (docs/format.md)."
    action = staticmethod(import_prompts)
