"""Static files under names that hold their hash, so that browsers keep them for ever."""

from collections.abc import Iterable
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from whitenoise.storage import CompressedManifestStaticFilesStorage


class PlotlyScript(FileSystemFinder):
    """Of what the plotly package ships, the one script that pages load: the rest is 5 MB of notebook widgets."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or []), "widgetbundle.js", "datasets", "templates"])


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Before `collectstatic` has run (tests, runserver) a file has its plain name instead of breaking every page."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError:
            return name
