"""The nouns of labeling, one file each. The database itself keeps what each docstring promises."""

from labeling.models.assignment import Assignment
from labeling.models.comparison import Candidate, Comparison
from labeling.models.completion import Completion, Generator
from labeling.models.gold import GoldAnswer, ScreeningAttempt
from labeling.models.judgment import Judgment
from labeling.models.lane import Lane
from labeling.models.membership import Membership
from labeling.models.notice import Notice
from labeling.models.project import Guideline, Project
from labeling.models.prompt import Prompt
from labeling.models.tally import PersonTally, ProjectTally

__all__ = [
    "Assignment",
    "Candidate",
    "Comparison",
    "Completion",
    "Generator",
    "GoldAnswer",
    "Guideline",
    "Judgment",
    "Lane",
    "Membership",
    "Notice",
    "PersonTally",
    "Project",
    "ProjectTally",
    "Prompt",
    "ScreeningAttempt",
]
