from django.db import migrations, models
from django.db.models import deletion


class Migration(migrations.Migration):
    dependencies = [("labeling", "0004_fill_the_queue")]
    operations = [
        migrations.AlterField(
            model_name="assignment",
            name="project",
            field=models.ForeignKey(
                db_index=False, on_delete=deletion.CASCADE, related_name="assignments", to="labeling.project"
            ),
        ),
        migrations.AlterField(
            model_name="comparison",
            name="lane",
            field=models.ForeignKey(
                db_index=False, on_delete=deletion.PROTECT, related_name="comparisons", to="labeling.lane"
            ),
        ),
    ]
