"""Filters of lists: the few a view names, and no other (a free choice of fields leaks through joins)."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

ALWAYS = {"page", "format"}


class NamedFilters(BaseFilterBackend):
    """`filters` of the view maps each query parameter to (lookup, type); an unknown parameter is refused by name."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filters = getattr(view, "filters", {})
        for name, value in request.query_params.items():
            if name in filters:
                queryset = self._narrow(queryset, name, value, *filters[name])
            elif name not in ALWAYS:
                raise ValidationError({name: f"There is no such filter; there are {', '.join(filters) or 'none'}."})
        return queryset

    def _narrow(self, queryset: QuerySet[Any], name: str, value: str, lookup: str, kind: type) -> QuerySet[Any]:
        if "\x00" in value:
            raise ValidationError({name: "A NUL byte matches nothing."})
        try:
            wanted = kind(value)
            if kind is int and not -(2**63) <= wanted < 2**63:
                raise ValidationError({name: "Nothing has a number that large."})
            return queryset.filter(**{lookup: wanted})
        except (ValueError, TypeError, OverflowError, DjangoValidationError):
            raise ValidationError({name: f"{value!r:.60} is not a {kind.__name__}."}) from None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """For the OpenAPI schema."""
        kinds = {int: "integer", str: "string"}
        return [
            {"name": name, "required": False, "in": "query", "schema": {"type": kinds.get(kind, "string")}}
            for name, (_, kind) in getattr(view, "filters", {}).items()
        ]
