from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LabelingConfig(AppConfig):
    name = "labeling"
    verbose_name = "Labeling"

    def ready(self) -> None:
        from labeling.models.guards import install_labeling_guards

        post_migrate.connect(install_labeling_guards, sender=self)
