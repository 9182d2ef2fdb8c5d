from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_migrate, pre_migrate


class LabelingConfig(AppConfig):
    name = "labeling"
    verbose_name = "Labeling"

    def ready(self) -> None:
        from labeling.models.guards import install_labeling_guards, remove_all_guards

        pre_migrate.connect(remove_all_guards, sender=self)
        post_migrate.connect(install_labeling_guards, sender=self)
        user_logged_out.connect(give_back_leases, dispatch_uid="give_back_leases")


def give_back_leases(user: Any, **_: Any) -> None:
    """Who signs out holds nothing any more; what they had begun they may still submit after signing in again."""
    from labeling.actions.leases import leave_all

    if user is not None:  # a session whose person is gone
        leave_all(user)
