"""A person, or a simulated one."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Somebody who signs in. `simulated` annotators are programs, and are marked so wherever they show."""

    display_name = models.CharField(max_length=120, blank=True)
    simulated = models.BooleanField(
        default=False, help_text="A program that judges in place of a person. Shown wherever the name shows."
    )
    from_import = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="An import made it for a name in a file, and no link to sign in with was made for it since.",
    )

    def __str__(self) -> str:
        name = self.display_name or self.get_full_name() or self.username
        return f"{name} (simulated)" if self.simulated else name
