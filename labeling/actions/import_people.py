"""Whom a file names: accounts and memberships, and whether its lines tell the truth about them."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db.models import BooleanField, ExpressionWrapper, Q

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import Entry
from labeling.models import Membership, Project
from labeling.queries.chunks import parts

# An import made the account for a name in a file, and nobody has had a way into it since.
ONLY_A_NAME = Q(from_import=True, password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login=None, auth_token=None)


class Mark(NamedTuple):
    """Whether an annotator is a program, and what says so: "is stored", or "stands in line 3"."""

    simulated: bool
    said: str


class PeopleStore:
    """Finds or makes the accounts that checked lines name, inside the caller's transaction. `ids` has them by name."""

    def __init__(self, project: Project, complain: Callable[[int, ActionError], None], added: Counter[str]) -> None:
        self.project = project
        self.complain = complain
        self.added = added
        self.ids: dict[str, int] = {}
        self._marks: dict[str, Mark] = {}

    def true(self, entries: list[Entry]) -> list[Entry]:
        """The lines whose marks agree with the accounts and with earlier lines. Nothing is stored."""
        self._find(_named(entries))
        return [entry for entry in entries if self._is_true(entry)]

    def add(self, entries: list[Entry]) -> list[Entry]:
        """Accounts and memberships of everybody whom true lines name.

        A new account has no password. Anybody else's account that is no member counts as one who left: the judgments
        are theirs, and the project opens to them only when a lead adds them.
        """
        known = self._find(_named(entries))
        fresh = [name for name in _named(entries) if name not in known and name not in self.ids]
        if fresh:
            self._make(fresh)
            known |= self._find(fresh)
            # another import may have made one of them at the same moment, and marked it otherwise
            entries = [entry for entry in entries if self._is_true(entry)]
        self._enrol({name: known[name] for name in _named(entries) if name not in self.ids})
        return entries

    def _find(self, names: Iterable[str]) -> dict[str, tuple[int, bool]]:
        """Id by name of those that are stored and not met before, and whether the account is only a name."""
        found = {}
        rows = get_user_model().objects.annotate(only_a_name=ExpressionWrapper(ONLY_A_NAME, BooleanField()))
        for part in parts(name for name in names if name not in self.ids):
            fields = ("username", "pk", "only_a_name", "simulated")
            for name, pk, only_a_name, simulated in rows.filter(username__in=part).values_list(*fields):
                found[name] = (pk, only_a_name)
                if name not in self._marks or self._marks[name].simulated != simulated:
                    self._marks[name] = Mark(simulated, "is stored")
        return found

    def _make(self, names: list[str]) -> None:
        no_password = make_password(None)
        users = get_user_model()
        users.objects.bulk_create(
            [
                users(username=name, simulated=self._marks[name].simulated, password=no_password, from_import=True)
                for name in names
            ],
            ignore_conflicts=True,
        )
        self.added["annotators"] += len(names)

    def _enrol(self, people: dict[str, tuple[int, bool]]) -> None:
        state = {True: Membership.State.ACTIVE, False: Membership.State.RETIRED}
        members = [Membership(project=self.project, person_id=pk, state=state[name]) for pk, name in people.values()]
        Membership.objects.bulk_create(members, ignore_conflicts=True)
        self.ids |= {name: pk for name, (pk, _) in people.items()}

    def _is_true(self, entry: Entry) -> bool:
        """Whether the line marks as simulated who is, and nobody else; complains of it otherwise."""
        here: dict[str, Mark] = {}
        for place, said in enumerate(entry.row["judgments"]):
            name, simulated = said["annotator"], said["simulated"]
            known = self._marks.get(name) or here.setdefault(name, Mark(simulated, f"stands in line {entry.number}"))
            if known.simulated != simulated:
                self.complain(entry.number, _untrue(place, name, known))
                return False
        self._marks |= here
        return True


def _named(entries: list[Entry]) -> list[str]:
    """Everybody the lines name, once, in their order."""
    return list(dict.fromkeys(said["annotator"] for entry in entries for said in entry.row["judgments"]))


def _untrue(place: int, name: str, known: Mark) -> ActionError:
    field = f"judgments[{place}].simulated"
    if known.simulated:
        mend = 'write "simulated": true here too'
        words = f'"{name}" {known.said} as simulated; {mend}, or give a person another name.'
    else:
        words = f'"{name}" {known.said} as a person; leave simulated out, or give the program a name of its own.'
    return ActionError(f"judgments[{place}]: {words}", "conflict", field)
