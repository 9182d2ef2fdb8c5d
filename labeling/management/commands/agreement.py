"""manage.py agreement PROJECT --json"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labeling.management.naming import project_named
from labeling.queries.votes import agreement_of_project


class Command(BaseCommand):
    help = "How far the annotators of a project agree: the figures of the project page."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object and nothing else.")
        ties = parser.add_mutually_exclusive_group()
        ties.add_argument("--no-ties", action="store_true", help="Leave out pairs in which either is a tie.")
        ties.add_argument("--include-ties", action="store_true", help="Count a tie as an answer (the default).")
        parser.add_argument("--purpose", choices=["collect", "evaluate"], help="Only comparisons for this purpose.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        ties = "drop" if options["no_ties"] else "count"
        report = agreement_of_project(project, ties=ties, purpose=options["purpose"])
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        else:
            self.stdout.write("\n".join(table(report)))


def table(report: dict[str, Any]) -> list[str]:
    """The figures as aligned lines for a terminal."""
    figures = {
        "Percent agreement": report["percent_agreement"],
        "Krippendorff alpha, nominal": report["krippendorff_alpha"]["nominal"],
        "Krippendorff alpha, ordinal": report["krippendorff_alpha"]["ordinal"],
        "Fleiss kappa": report["fleiss_kappa"],
        "Kendall tau-b": report["tau_b"],
    }
    for pair in report["cohen_kappa"]:
        figures["Cohen kappa " + " and ".join(map(str, pair["annotators"]))] = pair
    width = max(map(len, figures))
    return [f"{name:<{width}}  {words(figure)}" for name, figure in figures.items()]


def words(figure: dict[str, Any]) -> str:
    """0.643 [0.601, 0.684], n = 512; or why there is none."""
    if figure["value"] is None:
        return f"undefined: {figure['undefined_because']}"
    low, high = figure["low"], figure["high"]
    interval = f"[{low:.3f}, {high:.3f}]" if low is not None and high is not None else "no interval"
    return f"{figure['value']:.3f} {interval}, n = {figure['n']:,} {figure['n_unit']}".rstrip()
