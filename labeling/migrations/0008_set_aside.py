"""Judgments on comparisons that are not wanted any more are counted apart: progress counts the others."""

from django.db import migrations, models
from django.db.models import Q, Sum


def fill(apps, schema_editor):
    get = lambda name: apps.get_model("labeling", name).objects.using(schema_editor.connection.alias)  # noqa: E731
    aside = get("Comparison").filter(Q(state="retired") | Q(gold=True)).values_list("project")
    for project, judged in aside.annotate(all=Sum("judged")).order_by():
        get("ProjectTally").filter(project=project).update(set_aside=judged)


class Migration(migrations.Migration):
    dependencies = [("labeling", "0007_gold_in_order")]
    operations = [
        migrations.AddField(model_name="projecttally", name="set_aside", field=models.IntegerField(default=0)),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
