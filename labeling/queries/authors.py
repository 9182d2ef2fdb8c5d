"""What wrote the completions of a comparison."""

from django.db.models import Q, QuerySet

from labeling.models import Generator


def written_by(generators: QuerySet[Generator]) -> Q:
    """Comparisons with a completion that one of these wrote for it, whoever was the first to write that text."""
    ids = list(generators.values_list("pk", flat=True))
    first = Q(candidates__generator=None, candidates__completion__generator__in=ids)
    return first | Q(candidates__generator__in=ids)
