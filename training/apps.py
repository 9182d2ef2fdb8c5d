from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TrainingConfig(AppConfig):
    name = "training"
    verbose_name = "Training"

    def ready(self) -> None:
        from training.models.guards import install_training_guards

        post_migrate.connect(install_training_guards, sender=self)
