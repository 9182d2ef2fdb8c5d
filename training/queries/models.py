"""Which model a project samples from."""

from labeling.models import Project
from training.models import ModelVersion, Promotion


def current_model(project: Project) -> ModelVersion | None:
    """The policy promoted last; before any promotion the one the project started with; None before it was used."""
    promotion = Promotion.objects.filter(project=project).select_related("model_version").order_by("-id").first()
    if promotion:
        return promotion.model_version
    return first_model(project)


def first_model(project: Project) -> ModelVersion | None:
    """The policy the project started with."""
    return ModelVersion.objects.filter(project=project, kind="policy", run=None).order_by("id").first()
