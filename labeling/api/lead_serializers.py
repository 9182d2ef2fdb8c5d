"""What leads send and are told: about people, their hours, and what waits for a decision."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labeling.actions.resolving import MOST_WORDS, choices_for
from labeling.models import Membership, Notice


class MemberChangeSerializer(serializers.Serializer):
    """What may change about a member; what is left out stays. `reason` goes with the state "paused"."""

    role = serializers.ChoiceField(choices=Membership.Role.choices, required=False)
    state = serializers.ChoiceField(choices=Membership.State.choices, required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)
    languages = serializers.ListField(child=serializers.CharField(max_length=16), required=False, max_length=50)
    qualifications = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=50)
    let_pass = serializers.BooleanField(required=False, help_text="true: they may work without having passed.")


class NoticeSerializer(serializers.ModelSerializer):
    """Something that waits for a lead; `choices` are the resolutions it may be settled with."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    person = serializers.SlugRelatedField(slug_field="username", read_only=True)
    settled_by = serializers.SlugRelatedField(slug_field="username", read_only=True)
    choices = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = [
            *("id", "project", "kind", "text", "comparison", "person", "created", "choices"),
            *("settled", "settled_by", "resolution"),
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_choices(self, notice: Notice) -> list[str]:
        return [] if notice.settled else list(choices_for(notice))


class SettleSerializer(serializers.Serializer):
    """What was decided about a notice, one of its `choices`, and why."""

    resolution = serializers.CharField(max_length=20)
    words = serializers.CharField(default="", allow_blank=True, max_length=MOST_WORDS)


class FreeSerializer(serializers.Serializer):
    """Whose lease is to end; everybody's when nobody is named."""

    username = serializers.CharField(required=False, max_length=150)


class FreedSerializer(serializers.Serializer):
    """How many leases were ended."""

    freed = serializers.IntegerField()


class PersonProgressSerializer(serializers.Serializer):
    """What a member has done: judgments by kind, and the seconds they worked (idle time is capped)."""

    person_id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.CharField()
    simulated = serializers.BooleanField()
    judged = serializers.IntegerField(help_text="Collected into a slot.")
    surplus = serializers.IntegerField(help_text="Came when the slots were full.")
    gold = serializers.IntegerField()
    repeats = serializers.IntegerField()
    leased = serializers.IntegerField()
    skipped = serializers.IntegerField()
    active_seconds = serializers.FloatField(allow_null=True)


class HoursSerializer(serializers.Serializer):
    """One person's work in a time, for their pay. Days in the site's time zone; idle time is not in the seconds."""

    username = serializers.CharField()
    name = serializers.CharField()
    judgments = serializers.IntegerField(help_text="Everything they ranked, whatever it was for, surplus included.")
    surplus = serializers.IntegerField()
    skipped = serializers.IntegerField()
    active_seconds = serializers.FloatField()
    first_day = serializers.DateField(allow_null=True)
    last_day = serializers.DateField(allow_null=True)
