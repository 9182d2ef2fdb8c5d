"""Training's nouns as JSON."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labeling.models import Prompt
from training.models import Batch, Evaluation, ModelVersion, TrainingRun
from training.queries.cards import card
from training.queries.evaluations import win_rate
from training.queries.runs import run_progress


class BatchSerializer(serializers.ModelSerializer):
    """A frozen set of judgments, named by the hash of its content."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Batch
        fields = ["id", "project", "hash", "rankings", "heldout_rankings", "selection", "frozen", "created"]


class NewBatchSerializer(serializers.Serializer):
    project = serializers.SlugField()


class RunSerializer(serializers.ModelSerializer):
    """A training or sampling run, and how far it is."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "project",
            "kind",
            "state",
            "settings",
            "batch",
            "base",
            "stage",
            "step",
            "of_steps",
            "seconds_left",
            "attempts",
            "cancel_requested",
            "heartbeat",
            "created",
            "started",
            "finished",
        ]


class RunDetailSerializer(RunSerializer):
    """A run with its curves, its report, the versions it made, and the traceback when it failed."""

    curves = serializers.SerializerMethodField()
    made = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "error", "report", "made", "curves"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_curves(self, run: TrainingRun) -> dict[str, Any]:
        """{stage: {"step": […], "loss": […], …}}"""
        return run_progress(run)["curves"]


class RetrainSerializer(serializers.Serializer):
    """settings: {"reward": {…}, "policy": {…}}. base: a policy's id; the current model if left out."""

    project = serializers.SlugField()
    settings = serializers.DictField(required=False)
    base = serializers.IntegerField(required=False)


class SampleSerializer(serializers.Serializer):
    """model_version: a policy's id; the current model if left out. settings: of the sampling, over the project's.
    round: answer every prompt that the model has not answered in this round; left out, those without a comparison."""

    project = serializers.SlugField()
    model_version = serializers.IntegerField(required=False)
    settings = serializers.DictField(required=False)
    k = serializers.IntegerField(required=False, min_value=2, max_value=9)
    round = serializers.IntegerField(required=False, min_value=1, max_value=30000)
    split = serializers.ChoiceField(choices=Prompt.Split.choices, required=False)


class NextRoundSerializer(serializers.Serializer):
    """split: answer the prompts of this split alone; all of them if left out. A round that goes on keeps its own."""

    split = serializers.ChoiceField(choices=Prompt.Split.choices, required=False)


class RunLineSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    created = serializers.DateTimeField()
    text = serializers.CharField()


class ModelVersionSerializer(serializers.ModelSerializer):
    """Weights in the artifact store, named by their hash."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = ModelVersion
        fields = ["id", "project", "kind", "name", "hash", "path", "parent", "run", "reward_model", "created"]


class ModelVersionDetailSerializer(ModelVersionSerializer):
    """A version with its card: every figure with interval, n, or why it is undefined."""

    card = serializers.SerializerMethodField()

    class Meta(ModelVersionSerializer.Meta):
        fields = [*ModelVersionSerializer.Meta.fields, "card"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_card(self, version: ModelVersion) -> dict[str, Any]:
        return card(version)


class PromoteSerializer(serializers.Serializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class PromotionSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    model_version = serializers.IntegerField(source="model_version_id")
    reason = serializers.CharField()
    created = serializers.DateTimeField()


class EvaluationSerializer(serializers.ModelSerializer):
    """Two models compared blindly, and the win rate as it stands."""

    project = serializers.SlugRelatedField(source="model_version.project", slug_field="slug", read_only=True)
    win_rate = serializers.SerializerMethodField()

    class Meta:
        model = Evaluation
        fields = ["id", "project", "kind", "name", "model_version", "baseline", "win_rate", "created"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_win_rate(self, evaluation: Evaluation) -> dict[str, Any]:
        return win_rate(evaluation)
