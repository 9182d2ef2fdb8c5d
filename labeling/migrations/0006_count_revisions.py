"""Every revision is counted with its person, so that nobody has to look through all judgments for news."""

from django.db import migrations, models
from django.db.models import Count


def fill(apps, schema_editor):
    get = lambda name: apps.get_model("labeling", name).objects.using(schema_editor.connection.alias)  # noqa: E731
    said = get("Judgment").values_list("assignment__project", "assignment__annotator").annotate(all=Count("pk"))
    for project, person, revisions in said.order_by().iterator():
        get("PersonTally").filter(project=project, person=person).update(revisions=revisions)


class Migration(migrations.Migration):
    dependencies = [("labeling", "0005_the_queue_is_whole")]
    operations = [
        migrations.AddField(
            model_name="persontally",
            name="revisions",
            field=models.IntegerField(default=0, help_text="Judgments stored, every revision of a ranking one."),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
