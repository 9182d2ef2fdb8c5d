from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labeling", "0006_count_revisions")]
    operations = [
        migrations.RemoveIndex(model_name="goldanswer", name="gold_of_project"),
        migrations.AddIndex(
            model_name="goldanswer",
            index=models.Index(name="gold_of_project", fields=["project", "use", "comparison"]),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(
                name="comparison_held_back",
                fields=["lane", "id"],
                condition=models.Q(state__in=["paused", "review"]),
            ),
        ),
    ]
