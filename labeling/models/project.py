"""One campaign of collecting preferences, and its guidelines."""

import math
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

MAX_K = 9
WHOLE_FROM = {"max_new_tokens": 1, "group_size": 1, "max_tries": 1, "max_prompt_tokens": 1, "seed": 0}
ABOVE_ZERO_TO = {"temperature": 5, "top_p": 1}
LARGEST_WHOLE = 2**53 - 1  # beyond it JSON readers in browsers round


def check_sampling(sampling: Any) -> None:
    """Validator of `Project.sampling`: an object of known settings, each within the bounds the engine accepts."""
    if not isinstance(sampling, dict):
        raise ValidationError('must be an object of settings, such as {"temperature": 0.9}.')
    for name, value in sampling.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name in WHOLE_FROM:
            lowest = WHOLE_FROM[name]
            if not number or not isinstance(value, int) or not lowest <= value <= LARGEST_WHOLE:
                raise ValidationError(f"{name} must be a whole number from {lowest}, not {value!r:.40}.")
        elif name in ABOVE_ZERO_TO:
            highest = ABOVE_ZERO_TO[name]
            if not number or not math.isfinite(value) or not 0 < value <= highest:
                raise ValidationError(f"{name} must be above 0, at most {highest}, not {value!r:.40}.")
        else:
            known = ", ".join([*WHOLE_FROM, *ABOVE_ZERO_TO])
            raise ValidationError(f"{name!r:.40} is no setting of sampling; there are {known}.")


class Project(models.Model):
    """One campaign. The slug is unique; K, overlap and lease lie within their bounds."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        RETIRED = "retired", "Retired"

    class Order(models.TextChoices):
        PRIORITY = "priority", "By priority, then breadth first"
        BREADTH = "breadth", "Breadth first: all get one judgment before any gets two"
        DEPTH = "depth", "Depth first: finish one before opening the next"

    slug = models.SlugField(unique=True, max_length=80)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    k = models.PositiveSmallIntegerField(
        "completions per prompt (K)",
        default=4,
        validators=[MinValueValidator(2), MaxValueValidator(MAX_K)],
        help_text="How many completions are sampled for a prompt and ranked together. 2 is pairwise. "
        "Above 6 people tire and the middle ranks become noise.",
    )
    allow_ties = models.BooleanField(
        default=True,
        help_text="People may call completions equally good. Without ties, coin flips enter the data as preferences.",
    )
    overlap = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text="Judgments wanted for a comparison, each by another person. With 1 no agreement can be measured.",
    )
    lease_seconds = models.PositiveIntegerField(
        default=1800,
        validators=[MinValueValidator(30)],
        help_text="How long an opened comparison is kept for a person. Too short, and work is taken away while "
        "it is being done; too long, and abandoned work is missing until it ends.",
    )
    order = models.CharField(
        max_length=8,
        choices=Order.choices,
        default=Order.PRIORITY,
        help_text="Which comparison comes next. Depth first gives finished comparisons early; breadth first gives "
        "every comparison something early.",
    )
    spacing = models.PositiveSmallIntegerField(
        "prompts between two of the same",
        default=5,
        validators=[MaxValueValidator(50)],
        help_text="A prompt does not come back to a person before this many others, while there are others.",
    )
    undo_seconds = models.PositiveIntegerField(
        default=1800,
        validators=[MaxValueValidator(7 * 24 * 3600)],
        help_text="How long a ranking may be changed by the person who gave it. 0: never.",
    )
    idle_seconds = models.PositiveSmallIntegerField(
        default=60,
        validators=[MinValueValidator(5), MaxValueValidator(3600)],
        help_text="Without a key, a pointer or a scroll for this long, the clock of active seconds stands still.",
    )
    skips_to_lead = models.PositiveSmallIntegerField(
        default=3,
        validators=[MaxValueValidator(50)],
        help_text="After this many people skipped a comparison it waits for a lead. 0: never.",
    )
    gold_percent = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(50)],
        help_text="Share of a person's items, in percent, whose answer is known. Too few, and careless work is "
        "noticed late; too many, and people are paid for what is known already.",
    )
    repeat_percent = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(50)],
        help_text="Share of a person's items, in percent, that they have ranked before: self-consistency.",
    )
    repeat_gap = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="Items between a ranking and its repetition. Too few, and people remember what they said.",
    )
    screening_items = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="Practice items to pass before any work is given. 0: no screening.",
    )
    screening_accuracy = models.PositiveSmallIntegerField(
        default=70,
        validators=[MaxValueValidator(100)],
        help_text="Percent of the pairs with a known preference that must be ordered rightly.",
    )
    screening_agreement = models.FloatField(
        default=0.3,
        validators=[MinValueValidator(-1), MaxValueValidator(1)],
        help_text="Cohen's κ with the known answers, ties included, that must be reached.",
    )
    screening_tries = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="How often one may try."
    )
    gold_floor = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="Below this accuracy on recent gold, in percent, a person is paused and a lead told. 0: never.",
    )
    gold_window = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text="How many of a person's latest gold items count for the floor; half of them must be there.",
    )
    sampling = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_sampling],
        help_text="How completions are sampled: max_new_tokens, temperature, top_p, seed.",
    )
    seed = models.BigIntegerField(default=0, help_text="Seeds the order in which completions are shown.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="project_k_range", condition=Q(k__gte=2) & Q(k__lte=MAX_K)),
            models.CheckConstraint(name="project_overlap_positive", condition=Q(overlap__gte=1)),
            models.CheckConstraint(name="project_lease_positive", condition=Q(lease_seconds__gte=1)),
            models.CheckConstraint(name="project_order_known", condition=Q(order__in=["priority", "breadth", "depth"])),
            models.CheckConstraint(
                name="project_leaves_room_for_work", condition=Q(gold_percent__lte=50, repeat_percent__lte=50)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Guideline(models.Model):
    """One version of a project's guidelines, Markdown. A version is never edited: a change is the next version."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    version = models.PositiveIntegerField()
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="guideline_version", fields=["project", "version"])]
        ordering = ["project", "-version"]

    def __str__(self) -> str:
        return f"{self.project_id} guidelines v{self.version}"
