"""Files in and out: import with a report of bad lines, export as a stream."""

from collections.abc import Callable

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import read_lines
from labeling.actions.importing import ImportReport, import_judgments, import_prompts
from labeling.models import Project
from labeling.pages.access import lead_page
from labeling.queries.export import export_lines

IMPORTS: dict[str, Callable[..., ImportReport]] = {"prompts": import_prompts, "judgments": import_judgments}
EXPORTS = {"luce": "Luce JSONL", "trl": "TRL JSONL"}
BAD_LINES_SHOWN = 200


class ImportForm(forms.Form):
    kind = forms.ChoiceField(
        label="What is in it",
        choices=[("prompts", "Prompts, with or without completions"), ("judgments", "Judgments")],
        widget=forms.RadioSelect,
        initial="prompts",
    )
    file = forms.FileField(label="JSON Lines file", help_text="One JSON object a line, UTF-8.")
    skip_bad = forms.BooleanField(
        label="Leave out bad lines",
        required=False,
        help_text="Import the good lines even when others are bad. Off, one bad line keeps the whole file out.",
    )


@lead_page
def import_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Upload a file; "check" goes through all of it, tells what would come in, and stores nothing."""
    form = ImportForm(request.POST or None, request.FILES or None)
    context = {"project": project, "form": form, "exports": EXPORTS, "section": "import"}
    if request.method == "POST" and form.is_valid():
        check = request.POST.get("do") == "check"
        try:
            report = import_upload(project, form.cleaned_data, check=check)
        except ActionError as error:
            form.add_error("file", str(error))
        else:
            stored = report.stored and not check
            bad = report.bad[:BAD_LINES_SHOWN]
            context |= {
                "report": report,
                "words": in_words(report, "would be added" if check else "added"),
                "bad": bad,
                "bad_more": report.bad_count - len(bad),
                "checked": check,
                "stored": stored,
            }
    return render(request, "labeling/import.html", context, status=422 if form.errors else 200)


def import_upload(project: Project, cleaned: dict, *, check: bool) -> ImportReport:
    """Import what the form sent, in bounded memory whatever the length of its lines; `check` stores nothing."""
    with transaction.atomic():
        report = IMPORTS[cleaned["kind"]](
            project=project, lines=read_lines(cleaned["file"]), skip_bad=cleaned["skip_bad"] or check
        )
        if check:
            transaction.set_rollback(True)
    return report


def in_words(report: ImportReport, verb: str) -> str:
    """What the import found: "4 lines read, 1 prompt would be added, 3 bad." """
    counts = [f"{count:,} {noun if count != 1 else noun.removesuffix('s')} {verb}" for noun, count in _some(report)]
    if report.duplicates:
        counts.append(f"{report.duplicates:,} already here")
    lines = f"{report.lines:,} line{'' if report.lines == 1 else 's'} read"
    return ", ".join([lines, *counts, f"{report.bad_count:,} bad"]) + "."


def _some(report: ImportReport) -> list[tuple[str, int]]:
    return [(noun, count) for noun, count in report.added.items() if count]


@require_safe
@lead_page
def export(request: HttpRequest, project: Project, format: str) -> StreamingHttpResponse:
    """Download `format` ("luce" or "trl"), line by line in constant memory."""
    if format not in EXPORTS:
        raise Http404(f"There is no export format {format!r}; there are luce and trl.")
    return StreamingHttpResponse(
        export_lines(project, format=format),
        content_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{project.slug}-{format}.jsonl"'},
    )
