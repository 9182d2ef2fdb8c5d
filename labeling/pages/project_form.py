"""The forms of a project's settings: what each one does, and what too much and too little of it do."""

from dataclasses import dataclass
from typing import Any

from django import forms

from labeling.actions.projects import RESERVED_SLUGS
from labeling.models import Project
from labeling.pages.durations import DurationField

# Settings within `Project.sampling`, and what the engine does without them.
SAMPLING = {"max_new_tokens": 96, "temperature": 0.9, "top_p": 0.95}
DAY = 24 * 3600
MOST_TOKENS = 16_384  # as the engine has it; beyond any model that samples in a reasonable time


class ProjectForm(forms.ModelForm):
    """Checks a project's fields. `create_project` writes it; this form's `save` is never called."""

    lease_seconds = DurationField(
        label="Lease",
        least=30,
        most=7 * DAY,
        initial=1800,
        help_text="How long an opened comparison is kept for a person; working on it renews it. Too short, and work is "
        "taken away while it is being done; too long, and what was abandoned is missing until then.",
    )

    class Meta:
        model = Project
        fields = ("name", "slug", "description", "k", "allow_ties", "overlap", "lease_seconds")
        labels = {"slug": "Address", "overlap": "Judgments per comparison"}
        help_texts = {"slug": "The last part of the project's address: small letters, digits and hyphens."}
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"].lower()
        if slug in RESERVED_SLUGS:
            raise forms.ValidationError(f"“{slug}” is an address of Luce itself. Choose another one.")
        return slug


@dataclass(frozen=True)
class Group:
    """Settings that belong together, under a heading."""

    title: str
    about: str
    fields: tuple[str, ...]


GROUPS = (
    Group(
        "The project",
        "Comparisons that exist keep the K and the number of judgments they were made with.",
        ("name", "description", "k", "overlap", "allow_ties"),
    ),
    Group(
        "Completions",
        "How a model writes them, from the next sampling on. Empty means the usual value, which is shown in grey.",
        tuple(SAMPLING),
    ),
    Group(
        "The queue",
        "What comes next, and how long it is kept for a person.",
        ("order", "spacing", "lease_seconds", "undo_seconds", "idle_seconds", "skips_to_lead"),
    ),
    Group(
        "Quality",
        "Items that measure people, hidden among the rest. Nobody who ranks can tell them apart or is told these "
        "figures.",
        ("gold_percent", "gold_floor", "gold_window", "repeat_percent", "repeat_gap"),
    ),
    Group(
        "Screening",
        "Practice items that an annotator passes before any work is given. Each answer is explained to them.",
        ("screening_items", "screening_tries", "screening_accuracy", "screening_agreement"),
    ),
)


class SettingsForm(ProjectForm):
    """What may change while people work; the address stays, for links keep working."""

    slug = None  # type: ignore[assignment]
    undo_seconds = DurationField(
        label="Undo",
        most=7 * DAY,
        help_text="How long people may change their last ranking. 0: never. Too short, and slips stay in the data; too "
        "long, and people go back to agree with what they learned later.",
    )
    idle_seconds = DurationField(
        label="Idle after",
        least=5,
        most=3600,
        help_text="Without a key, a pointer or a scroll for this long, the clock of active time stands still. Too "
        "short, and slow reading is not paid; too long, and breaks are.",
    )

    max_new_tokens = forms.IntegerField(
        label="Longest completion, in tokens",
        required=False,
        min_value=1,
        max_value=MOST_TOKENS,
        help_text="A token is about three quarters of an English word. Too low, and most are cut off in mid-sentence; "
        "too high, and sampling is slow and people get walls of text.",
    )
    temperature = forms.FloatField(
        label="Temperature",
        required=False,
        min_value=1e-6,
        max_value=5,
        help_text="1 takes the model as it is. Lower, and completions grow alike and there is little to rank; higher, "
        "and they turn to nonsense.",
    )
    top_p = forms.FloatField(
        label="Top p",
        required=False,
        min_value=1e-6,
        max_value=1,
        help_text="Only the likeliest tokens that make up this probability are drawn. 1 lets in odd words; very low "
        "makes completions alike.",
    )

    class Meta(ProjectForm.Meta):
        fields = tuple(name for group in GROUPS for name in group.fields if name not in SAMPLING)
        labels = {
            "overlap": "Judgments per comparison",
            "order": "Order",
            "skips_to_lead": "Skips until a lead is asked",
            "gold_percent": "Known answers, in percent",
            "gold_floor": "Floor, in percent",
            "gold_window": "Latest items that count for the floor",
            "repeat_percent": "Repetitions, in percent",
            "repeat_gap": "Items before a repetition",
            "screening_items": "Practice items",
            "screening_tries": "Tries",
            "screening_accuracy": "Accuracy to reach, in percent",
            "screening_agreement": "Cohen’s κ to reach",
        }
        help_texts = {
            "order": "By priority suits a mix of urgent and other work. Breadth first gives every comparison something "
            "early, depth first finished comparisons early. A change takes effect at once for everything that is open.",
            "spacing": "The same prompt does not come back to a person before this many others, while there are any. "
            "Too few, and people rank by memory; too many, and the order is followed less closely. 0: no spacing.",
            "skips_to_lead": "Once this many people have skipped a comparison, it is given to nobody and waits for a "
            "lead under “Needs you”. Too low, and one person’s taste stops good items; too high, and everybody meets "
            "the broken ones. 0: never.",
            "gold_percent": "Share of a person’s items whose answer is known. Too few, and careless work is noticed "
            "late; too many, and people are paid for what is known already. 0: none.",
            "gold_floor": "Whose accuracy on known answers falls below it is paused, and you are told. Too high, and "
            "honest people are paused for hard items; too low, and nobody ever is. Chance reaches 50. 0: never.",
            "gold_window": "Half of them must be there before anybody is paused. Too few, and a bad day pauses; too "
            "many, and a decline is noticed late.",
            "repeat_percent": "Share of a person’s items that they have ranked before: how far they agree with "
            "themselves. Too many, and work is paid twice. 0: none.",
            "repeat_gap": "Too few, and people remember what they said; too many, and short stints have no repetition.",
            "screening_items": "Too few, and luck decides; too many, and good people give up before they begin. "
            "0: no screening.",
            "screening_tries": "Too many, and people pass by learning the items. Who has none left is shown to you.",
            "screening_accuracy": "Of the pairs with a known preference, those ordered rightly. Too high, and only who "
            "thinks like the expert stays; chance reaches 50.",
            "screening_agreement": "From −1 to 1, corrected for chance, ties included. 0 is chance; above 0.6 few "
            "reach.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, usual in SAMPLING.items():
            self.fields[name].initial = self.instance.sampling.get(name)
            self.fields[name].widget.attrs |= {"placeholder": usual, "step": "any" if usual < 1 else 1}
        for field in self.fields.values():
            field.show_hidden_initial = True  # the page carries what it showed, so that a change can be told

    def clean_slug(self) -> str:
        return self.instance.slug

    def clean(self) -> dict[str, Any]:
        """Only what the person changed: what another lead changed meanwhile stays. The settings of sampling go where
        they are stored, beside those that only the API changes."""
        cleaned = super().clean() or self.cleaned_data
        changed = {name: value for name, value in cleaned.items() if name in self.changed_data}
        drawn = {name: changed.pop(name) for name in SAMPLING if name in changed}
        if drawn:
            kept = {name: value for name, value in self.instance.sampling.items() if name not in drawn}
            changed["sampling"] = kept | {name: value for name, value in drawn.items() if value is not None}
        return changed

    def groups(self) -> list[tuple[Group, list[forms.BoundField]]]:
        """The groups with their fields, for the page."""
        return [(group, [self[name] for name in group.fields]) for group in GROUPS]
