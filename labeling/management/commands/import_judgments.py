"""manage.py import_judgments PROJECT FILE"""

from labeling.actions.importing import import_judgments
from labeling.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import prompts, completions and what annotators said from a Luce JSON Lines file (docs/format.md)."
    action = staticmethod(import_judgments)
