from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class LabelingConfig(AppConfig):
    name = "labeling"
    verbose_name = "Labeling"

    def ready(self) -> None:
        from labeling.models.guards import install_labeling_guards, remove_all_guards

        pre_migrate.connect(remove_all_guards, sender=self)
        post_migrate.connect(install_labeling_guards, sender=self)
