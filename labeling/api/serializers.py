"""The nouns as JSON. What an annotator sees never says which model wrote what, nor what others said."""

from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labeling.actions.comparisons import MOST_JUDGMENTS
from labeling.actions.nothing import Reason
from labeling.models import Assignment, Comparison, Completion, Judgment, Membership, Project, Prompt
from labeling.policies import may_lead

LARGEST_ID = 2**63 - 1
# Surplus is told as judged: only items that collect can be surplus, so the word would tell them from gold.
STATES_TOLD = [state for state in Assignment.State.values if state != Assignment.State.SURPLUS]


def _id_field() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST_ID)


class MessageSerializer(serializers.Serializer):
    """One turn of a chat."""

    role = serializers.ChoiceField(choices=["system", "user", "assistant"])
    content = serializers.CharField(trim_whitespace=False)


QUEUE = ("order", "spacing", "lease_seconds", "undo_seconds", "idle_seconds", "skips_to_lead")
# With these, who ranks could work out which answer stands where, or which item measures them.
HIDDEN = ("sampling", "seed", "gold_percent", "repeat_percent", "repeat_gap", "gold_floor", "gold_window")
SCREENING = ("screening_items", "screening_accuracy", "screening_agreement", "screening_tries")


class ProjectSerializer(serializers.ModelSerializer):
    """A campaign and its settings. Those that would unblind who ranks are told to leads alone: reviewers rank too."""

    class Meta:
        model = Project
        fields = [
            *("slug", "name", "description", "state", "k", "allow_ties", "overlap"),
            *(*QUEUE, *SCREENING, *HIDDEN, "created"),
        ]
        read_only_fields = ["state", "created"]

    def to_representation(self, project: Project) -> dict[str, Any]:
        """Without what is hidden unless the reader leads."""
        shown = super().to_representation(project)
        request = self.context.get("request")
        if request is None or not may_lead(request.user, project):
            for name in HIDDEN:
                shown.pop(name)
        return shown


class ProjectChangeSerializer(serializers.ModelSerializer):
    """What may change in a project; the slug may not."""

    state = serializers.ChoiceField(choices=Project.State.choices, required=False)

    class Meta:
        model = Project
        fields = ["name", "description", "state", "k", "allow_ties", "overlap", *QUEUE, *SCREENING, *HIDDEN]


class MemberSerializer(serializers.ModelSerializer):
    """A person's role in a project, what they may do there, and when they passed its screening."""

    username = serializers.CharField(source="person.username", max_length=150)
    simulated = serializers.BooleanField(source="person.simulated", read_only=True)
    languages = serializers.ListField(child=serializers.CharField(), read_only=True)
    qualifications = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Membership
        fields = [
            *("id", "username", "role", "state", "pause_reason", "languages", "qualifications", "qualified"),
            *("simulated", "created"),
        ]
        read_only_fields = ["state", "pause_reason", "qualified", "created"]


class PromptSerializer(serializers.ModelSerializer):
    """Chat messages to be answered."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    messages = MessageSerializer(many=True, read_only=True)

    class Meta:
        model = Prompt
        fields = ["id", "project", "messages", "source", "use_case", "tags", "split", "created"]


class NewPromptSerializer(serializers.Serializer):
    """A prompt to add: `messages` is a text, or a list of {role, content}."""

    project = serializers.SlugField()
    messages = serializers.JSONField()
    source = serializers.ChoiceField(choices=Prompt.Source.choices, default=Prompt.Source.IMPORTED)
    use_case = serializers.CharField(default="", allow_blank=True, max_length=60)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), default=list)
    split = serializers.ChoiceField(choices=Prompt.Split.choices, default=Prompt.Split.TRAIN)


class CompletionSerializer(serializers.ModelSerializer):
    """One answer. `generator` is told to leads alone: nobody else who ranks may know which model wrote it."""

    generator = serializers.SerializerMethodField()

    class Meta:
        model = Completion
        fields = ["id", "prompt", "text", "generator", "tokens", "finished", "created"]

    def get_generator(self, completion: Completion) -> str | None:
        led = self.context.get("led_projects", ())
        if completion.generator is None or completion.generator.project_id not in led:
            return None
        return completion.generator.name


class NewCompletionSerializer(serializers.Serializer):
    """An answer to add; `generator` names the model or the person that wrote it."""

    prompt = _id_field()
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)
    generator = serializers.CharField(required=False, max_length=200)
    kind = serializers.ChoiceField(choices=["imported", "human"], default="imported")


class ComparisonSerializer(serializers.ModelSerializer):
    """A prompt with K completions, listed in canonical order."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    completions = serializers.SerializerMethodField()

    class Meta:
        model = Comparison
        fields = [
            *("id", "project", "prompt", "completions", "k", "overlap", "live", "judged", "skips"),
            *("priority", "purpose", "round", "state", "created"),
        ]

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_completions(self, comparison: Comparison) -> list[int]:
        return [candidate.completion_id for candidate in comparison.candidates.all()]


class NewComparisonSerializer(serializers.Serializer):
    """A comparison to add; `completions` are ids in canonical order."""

    prompt = _id_field()
    completions = serializers.ListField(child=_id_field(), min_length=2)
    overlap = serializers.IntegerField(required=False, min_value=1, max_value=MOST_JUDGMENTS)
    priority = serializers.IntegerField(default=0, min_value=-(2**31), max_value=2**31 - 1)


class ComparisonChangeSerializer(serializers.Serializer):
    """What may change in a comparison."""

    state = serializers.ChoiceField(choices=Comparison.State.choices, required=False)
    priority = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)
    overlap = serializers.IntegerField(required=False, min_value=1, max_value=MOST_JUDGMENTS)


class JudgmentSerializer(serializers.ModelSerializer):
    """One revision of what somebody said. `ranks` and `shown` in canonical order; for reviewers and leads."""

    comparison = serializers.IntegerField(source="assignment.comparison_id", read_only=True)
    annotator = serializers.CharField(source="assignment.annotator.username", read_only=True)
    simulated = serializers.BooleanField(source="assignment.annotator.simulated", read_only=True)
    shown = serializers.JSONField(source="assignment.shown", read_only=True)
    ranks = serializers.ListField(child=serializers.IntegerField(allow_null=True), read_only=True)

    class Meta:
        model = Judgment
        fields = [
            *("id", "comparison", "annotator", "simulated", "revision", "ranks", "shown"),
            *("comment", "active_seconds", "created"),
        ]


class ShownCompletionSerializer(serializers.Serializer):
    """A completion in its place on the page."""

    text = serializers.CharField()


class AssignmentSerializer(serializers.ModelSerializer):
    """One's own work: the prompt, and the completions in the order drawn for this assignment.

    `ranks` is what was said, in that same order, and null until then. `practice` items come before any work is given,
    where a project asks for it; each is explained once it is judged.
    """

    project = serializers.SlugField(source="comparison.project.slug", read_only=True)
    prompt = MessageSerializer(source="comparison.prompt.messages", many=True, read_only=True)
    completions = serializers.SerializerMethodField()
    allow_ties = serializers.BooleanField(source="comparison.project.allow_ties", read_only=True)
    practice = serializers.SerializerMethodField()
    ranks = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()

    class Meta:
        model = Assignment
        fields = [
            *("id", "project", "state", "expires", "prompt", "completions", "allow_ties", "practice"),
            *("ranks", "skip_reason"),
        ]

    def get_practice(self, assignment: Assignment) -> bool:
        return assignment.kind == Assignment.Kind.PRACTICE

    @extend_schema_field(serializers.ChoiceField(choices=STATES_TOLD))
    def get_state(self, assignment: Assignment) -> str:
        return "judged" if assignment.state == Assignment.State.SURPLUS else assignment.state

    @extend_schema_field(ShownCompletionSerializer(many=True))
    def get_completions(self, assignment: Assignment) -> list[dict[str, str]]:
        texts = [candidate.completion.text for candidate in assignment.comparison.candidates.all()]
        return [{"text": texts[position]} for position in assignment.order]

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField(allow_null=True), allow_null=True))
    def get_ranks(self, assignment: Assignment) -> list[int | None] | None:
        if assignment.latest is None:
            return None
        return [assignment.latest.ranks[position] for position in assignment.order]


class SubmitSerializer(serializers.Serializer):
    """A ranking. `ranks[i]` belongs to `completions[i]` of the assignment as it was given: 1 is best, equal numbers
    tie, null is not ranked. `key` is made by the client once for each ranking and repeated with every retry."""

    key = serializers.CharField(max_length=64)
    ranks = serializers.ListField(child=serializers.IntegerField(allow_null=True, min_value=1))
    comment = serializers.CharField(default="", allow_blank=True, max_length=20_000)
    active_seconds = serializers.FloatField(required=False, allow_null=True)
    ahead = serializers.BooleanField(
        default=False, help_text="You hold one comparison ahead: it is yours now, and `next` is one more ahead."
    )


class AskSerializer(serializers.Serializer):
    """What to serve."""

    ahead = serializers.BooleanField(
        default=False,
        help_text="One more, beyond the one you hold, on a short lease: renew it, or give it back with release.",
    )


class FlagSerializer(serializers.Serializer):
    """What is wrong with a comparison, in words."""

    reason = serializers.CharField(max_length=2000)


class FlaggedSerializer(serializers.Serializer):
    """A lead will be told."""

    flagged = serializers.BooleanField()


class SkipSerializer(serializers.Serializer):
    """Why a comparison is put aside."""

    reason = serializers.CharField(default="", allow_blank=True, max_length=200)


class NothingLeftSerializer(serializers.Serializer):
    """Why there is nothing to rank."""

    reason = serializers.ChoiceField(choices=list(get_args(Reason)))
    message = serializers.CharField()
    next_expiry = serializers.DateTimeField(allow_null=True)


class NextSerializer(serializers.Serializer):
    """The next assignment, or why there is none."""

    assignment = AssignmentSerializer(allow_null=True)
    nothing_left = NothingLeftSerializer(allow_null=True)


class FeedbackSerializer(serializers.Serializer):
    """How a practice item was meant. `known` has the ranks that are right, in the order of `completions`."""

    known = serializers.ListField(child=serializers.IntegerField(allow_null=True))
    explanation = serializers.CharField()
    right = serializers.IntegerField(help_text="Pairs with a known preference that were ordered rightly.")
    pairs = serializers.IntegerField(help_text="Pairs with a known preference.")
    done = serializers.IntegerField(allow_null=True, help_text="Practice items done in this try.")
    items = serializers.IntegerField(allow_null=True, help_text="Practice items of this try.")
    result = serializers.ChoiceField(choices=["open", "passed", "failed"], allow_null=True)
    tries_left = serializers.IntegerField(allow_null=True)


class StoredSerializer(serializers.Serializer):
    """What is stored, and what comes next."""

    judgment = serializers.IntegerField(help_text="Id of the stored judgment.")
    revision = serializers.IntegerField()
    replayed = serializers.BooleanField(help_text="It was stored already by an earlier request with this key.")
    in_hand = serializers.IntegerField(
        allow_null=True, help_text="Id of the assignment that is yours now. Another than you hold ahead: you lost that."
    )
    next = NextSerializer(help_text="The assignment in hand; one to hold ahead of it if you sent `ahead`.")
    feedback = FeedbackSerializer(allow_null=True, help_text="After a practice item: what is right, and why.")


class RefusalSerializer(serializers.Serializer):
    """Why something was refused."""

    detail = serializers.CharField()
    code = serializers.CharField()
    field = serializers.CharField(allow_null=True)
