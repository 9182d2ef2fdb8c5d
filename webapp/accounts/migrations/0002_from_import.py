"""Accounts that an import made are marked as such, those of before too."""

from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import migrations, models


def mark_those_of_before(apps: Any, schema_editor: Any) -> None:
    """Those whose judgments came out of a file, who have no password, never signed in, and to whom nobody has given a
    name or a right. Who is not marked although an import made them is added to a further project by its lead."""
    imported = apps.get_model("labeling", "Judgment").objects.filter(key__startswith="import-")
    apps.get_model("accounts", "User").objects.filter(
        pk__in=imported.values("assignment__annotator"),
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
        last_login=None,
        display_name="",
        is_staff=False,
        is_superuser=False,
    ).update(from_import=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("labeling", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="from_import",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="An import made it for a name in a file, and no link to sign in with was made for it since.",
            ),
        ),
        migrations.RunPython(mark_those_of_before, migrations.RunPython.noop),
    ]
