import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0002_sampling_is_checked"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GoldAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "use",
                    models.CharField(
                        choices=[("hidden", "Hidden among the rest"), ("practice", "Qualification set")],
                        default="hidden",
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("expert", "Expert"), ("agreed", "Agreed by annotators")],
                        default="expert",
                        max_length=10,
                    ),
                ),
                ("ranks", models.JSONField()),
                ("explanation", models.TextField(blank=True, help_text="Why; shown after a practice item. Markdown.")),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Lane",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "language",
                    models.CharField(
                        blank=True, help_text="BCP 47 tag such as de or pt-BR; empty: any.", max_length=16
                    ),
                ),
                (
                    "qualification",
                    models.CharField(blank=True, help_text="What a person must know; empty: nothing.", max_length=40),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("flagged", "Flagged"),
                            ("skipped", "Skipped by several"),
                            ("below_floor", "Below the gold floor"),
                            ("screened_out", "No tries left"),
                            ("no_practice", "No practice items"),
                        ],
                        max_length=12,
                    ),
                ),
                ("text", models.TextField(blank=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("settled", models.DateTimeField(blank=True, null=True)),
                ("resolution", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="PersonTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened", models.PositiveIntegerField(default=0)),
                ("leased", models.IntegerField(default=0)),
                ("judged", models.IntegerField(default=0)),
                ("surplus", models.IntegerField(default=0)),
                ("gold", models.IntegerField(default=0)),
                ("repeats", models.IntegerField(default=0)),
                ("practice", models.IntegerField(default=0)),
                ("skipped", models.IntegerField(default=0)),
                ("active_seconds", models.FloatField(default=0)),
                ("day", models.DateField(blank=True, help_text="The day that `judged_today` counts.", null=True)),
                ("judged_today", models.IntegerField(default=0)),
                (
                    "recent",
                    models.JSONField(blank=True, default=list, help_text="Prompts of the latest items, newest first."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProjectTally",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tally",
                        serialize=False,
                        to="labeling.project",
                    ),
                ),
                ("prompts", models.IntegerField(default=0)),
                ("prompts_heldout", models.IntegerField(default=0)),
                ("prompts_compared", models.IntegerField(default=0)),
                ("comparisons", models.IntegerField(default=0)),
                ("wanted", models.IntegerField(default=0)),
                ("done", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="ScreeningAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("passed", "Passed"), ("failed", "Failed")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("items", models.PositiveSmallIntegerField(help_text="How many practice items the try has.")),
                ("accuracy", models.FloatField(blank=True, null=True)),
                (
                    "agreement",
                    models.FloatField(blank=True, help_text="Cohen's κ with the known answers, over pairs.", null=True),
                ),
                ("started", models.DateTimeField(auto_now_add=True)),
                ("finished", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["project", "person", "number"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="assignment",
            name="one_assignment_a_person",
        ),
        migrations.RemoveConstraint(
            model_name="assignment",
            name="live_assignment_holds_a_slot",
        ),
        migrations.RemoveIndex(
            model_name="assignment",
            name="assignment_of_person",
        ),
        migrations.RemoveIndex(
            model_name="comparison",
            name="comparison_open_work",
        ),
        migrations.AddField(
            model_name="assignment",
            name="ahead",
            field=models.BooleanField(default=False, help_text="Leased ahead of its turn, while another is open."),
        ),
        migrations.AddField(
            model_name="assignment",
            name="attempt",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="0, except for repeats and practice, which may bring a comparison to a person again.",
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="kind",
            field=models.CharField(
                choices=[
                    ("collect", "Collects a judgment"),
                    ("gold", "Known answer"),
                    ("repeat", "Repeats an own one"),
                    ("practice", "Practice"),
                ],
                default="collect",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="number",
            field=models.PositiveIntegerField(default=0, help_text="The how-many-th item it is of the person, from 0."),
        ),
        migrations.AddField(
            model_name="assignment",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="assignments",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="comparison",
            name="gold",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="comparison",
            name="judged",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="comparison",
            name="level",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="comparison",
            name="skips",
            field=models.PositiveSmallIntegerField(default=0, editable=False, help_text="How many people skipped it."),
        ),
        migrations.AddField(
            model_name="membership",
            name="gold_since",
            field=models.DateTimeField(
                blank=True,
                help_text="Gold judged before this does not count for the floor: a lead reinstated them.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="languages",
            field=models.JSONField(blank=True, default=list, help_text="Languages the person reads; none named: all."),
        ),
        migrations.AddField(
            model_name="membership",
            name="pause_reason",
            field=models.CharField(blank=True, help_text="Why the person is paused, in words.", max_length=200),
        ),
        migrations.AddField(
            model_name="membership",
            name="qualifications",
            field=models.JSONField(blank=True, default=list, help_text="What the person is qualified for."),
        ),
        migrations.AddField(
            model_name="membership",
            name="qualified",
            field=models.DateTimeField(
                blank=True, help_text="When the person passed the screening, or a lead let them pass.", null=True
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="gold_floor",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Below this accuracy on recent gold, in percent, a person is paused and a lead told. 0: never.",
                validators=[django.core.validators.MaxValueValidator(100)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="gold_percent",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Share of a person's items, in percent, whose answer is known. Too few, and careless work is noticed late; too many, and people are paid for what is known already.",
                validators=[django.core.validators.MaxValueValidator(50)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="gold_window",
            field=models.PositiveSmallIntegerField(
                default=20,
                help_text="How many of a person's latest gold items count for the floor; half of them must be there.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(500)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="idle_seconds",
            field=models.PositiveSmallIntegerField(
                default=60,
                help_text="Without a key, a pointer or a scroll for this long, the clock of active seconds stands still.",
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(3600),
                ],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="order",
            field=models.CharField(
                choices=[
                    ("priority", "By priority, then breadth first"),
                    ("breadth", "Breadth first: all get one judgment before any gets two"),
                    ("depth", "Depth first: finish one before opening the next"),
                ],
                default="priority",
                help_text="Which comparison comes next. Depth first gives finished comparisons early; breadth first gives every comparison something early.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="repeat_gap",
            field=models.PositiveSmallIntegerField(
                default=30,
                help_text="Items between a ranking and its repetition. Too few, and people remember what they said.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="repeat_percent",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Share of a person's items, in percent, that they have ranked before: self-consistency.",
                validators=[django.core.validators.MaxValueValidator(50)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="screening_accuracy",
            field=models.PositiveSmallIntegerField(
                default=70,
                help_text="Percent of the pairs with a known preference that must be ordered rightly.",
                validators=[django.core.validators.MaxValueValidator(100)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="screening_agreement",
            field=models.FloatField(
                default=0.3,
                help_text="Cohen's κ with the known answers, ties included, that must be reached.",
                validators=[django.core.validators.MinValueValidator(-1), django.core.validators.MaxValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="screening_items",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Practice items to pass before any work is given. 0: no screening.",
                validators=[django.core.validators.MaxValueValidator(100)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="screening_tries",
            field=models.PositiveSmallIntegerField(
                default=2,
                help_text="How often one may try.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="skips_to_lead",
            field=models.PositiveSmallIntegerField(
                default=3,
                help_text="After this many people skipped a comparison it waits for a lead. 0: never.",
                validators=[django.core.validators.MaxValueValidator(50)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="spacing",
            field=models.PositiveSmallIntegerField(
                default=5,
                help_text="A prompt does not come back to a person before this many others, while there are others.",
                validators=[django.core.validators.MaxValueValidator(50)],
                verbose_name="prompts between two of the same",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="undo_seconds",
            field=models.PositiveIntegerField(
                default=1800,
                help_text="How long a ranking may be changed by the person who gave it. 0: never.",
                validators=[django.core.validators.MaxValueValidator(604800)],
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="comparison",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="assignments",
                to="labeling.comparison",
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="state",
            field=models.CharField(
                choices=[
                    ("leased", "Leased"),
                    ("judged", "Judged"),
                    ("skipped", "Skipped"),
                    ("released", "Released"),
                    ("expired", "Expired"),
                    ("surplus", "Surplus"),
                ],
                default="leased",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="candidate",
            name="comparison",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="candidates",
                to="labeling.comparison",
            ),
        ),
        migrations.AlterField(
            model_name="comparison",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="comparisons",
                to="labeling.project",
            ),
        ),
        migrations.AlterField(
            model_name="comparison",
            name="state",
            field=models.CharField(
                choices=[("open", "Open"), ("paused", "Paused"), ("review", "With a lead"), ("retired", "Retired")],
                default="open",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="completion",
            name="prompt",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="completions",
                to="labeling.prompt",
            ),
        ),
        migrations.AlterField(
            model_name="judgment",
            name="assignment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="judgments",
                to="labeling.assignment",
            ),
        ),
        migrations.AlterField(
            model_name="prompt",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="prompts",
                to="labeling.project",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["project", "annotator", "number"], name="assignment_of_person"),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("kind", "collect"), _negated=True),
                fields=["project", "kind", "annotator", "number"],
                name="assignment_not_collected",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(
                fields=("comparison", "annotator", "attempt"), name="one_assignment_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "leased")),
                fields=("project", "annotator", "ahead"),
                name="one_lease_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "collect"), ("slot__isnull", False), ("state__in", ["leased", "judged"])),
                    models.Q(
                        models.Q(("kind", "collect"), _negated=True),
                        ("slot__isnull", True),
                        ("state__in", ["leased", "judged"]),
                    ),
                    models.Q(("slot__isnull", True), ("state__in", ["skipped", "released", "expired", "surplus"])),
                    _connector="OR",
                ),
                name="live_assignment_holds_a_slot",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("attempt", 0), ("kind__in", ["collect", "gold"])),
                    models.Q(("attempt__gte", 1), ("kind__in", ["repeat", "practice"])),
                    _connector="OR",
                ),
                name="collected_and_gold_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("order__in", ["priority", "breadth", "depth"])), name="project_order_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("gold_percent__lte", 50), ("repeat_percent__lte", 50)),
                name="project_leaves_room_for_work",
            ),
        ),
        migrations.AddField(
            model_name="goldanswer",
            name="author",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="goldanswer",
            name="comparison",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="gold_answer", to="labeling.comparison"
            ),
        ),
        migrations.AddField(
            model_name="goldanswer",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="gold_answers", to="labeling.project"
            ),
        ),
        migrations.AddField(
            model_name="lane",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="lanes", to="labeling.project"
            ),
        ),
        migrations.AddField(
            model_name="comparison",
            name="lane",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="comparisons",
                to="labeling.lane",
            ),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("gold", False), ("live__lt", models.F("overlap")), ("state", "open")),
                fields=["lane", "level", "id"],
                name="comparison_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="comparison",
            constraint=models.CheckConstraint(
                condition=models.Q(("judged__lte", models.F("live"))), name="comparison_judged_within_live"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="comparison",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="labeling.comparison",
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="person",
            field=models.ForeignKey(
                blank=True,
                help_text="Who flagged it, or whom it is about.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="labeling.project"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="settled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="persontally",
            name="last",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="labeling.assignment",
            ),
        ),
        migrations.AddField(
            model_name="persontally",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tallies", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="persontally",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="person_tallies",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="screeningattempt",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="screening_attempts",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="screeningattempt",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="screening_attempts", to="labeling.project"
            ),
        ),
        migrations.AddIndex(
            model_name="goldanswer",
            index=models.Index(fields=["project", "use"], name="gold_of_project"),
        ),
        migrations.AddConstraint(
            model_name="lane",
            constraint=models.UniqueConstraint(
                fields=("project", "language", "qualification"), name="lane_once_a_project"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("settled__isnull", True)), fields=["project", "-id"], name="notice_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="persontally",
            constraint=models.UniqueConstraint(fields=("project", "person"), name="person_tally_once"),
        ),
        migrations.AddConstraint(
            model_name="screeningattempt",
            constraint=models.UniqueConstraint(fields=("project", "person", "number"), name="screening_try_once"),
        ),
        migrations.AddConstraint(
            model_name="screeningattempt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("project", "person"), name="one_open_screening"
            ),
        ),
    ]
