"""What a column constraint cannot say, said by triggers in SQLite and PostgreSQL alike.

They are taken away before every migrate and installed after it, rather than by one migration: SQLite rebuilds a table
to alter it, drops its triggers on the way, and stumbles over those of other tables that name it.
"""

from dataclasses import dataclass

from django.db import connections, router

JSON_LENGTH = {"sqlite": "json_array_length", "postgresql": "jsonb_array_length"}


@dataclass(frozen=True)
class Guard:
    """A refusal: `event` on `table` fails with `message` whenever the SQL condition `when` holds.

    `when` may use NEW and OLD and must be written in SQL that both databases read; {json_length} stands for what counts
    the entries of a JSON list. `event` is BEFORE-something, for example "UPDATE OF split".
    """

    name: str
    table: str
    event: str
    when: str
    message: str

    def drop(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {self.name}"]
        return [
            f"DROP TRIGGER IF EXISTS {self.name} ON {self.table}",
            f"DROP FUNCTION IF EXISTS {self.name}()",
        ]

    def create(self, vendor: str) -> list[str]:
        when = self.when.replace("{json_length}", JSON_LENGTH[vendor])
        if vendor == "sqlite":
            return [
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} WHEN {when} "
                f"BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            ]
        result = "OLD" if self.event == "DELETE" else "NEW"
        return [
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'integrity_constraint_violation'; "
            f"END IF; RETURN {result}; END $$",
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.name}()",
        ]


# No guard joins tables: PostgreSQL keeps the plan of a trigger and makes it by what it counted last. From counts that
# are old it may begin a join at the wrong end and read a whole table for each row: an import of 1,200 lines took six
# minutes.
LABELING_GUARDS = [
    Guard(
        "guard_prompt_fixed",
        "labeling_prompt",
        "UPDATE",
        "NEW.split <> OLD.split OR NEW.content_hash <> OLD.content_hash OR NEW.project_id <> OLD.project_id "
        "OR NEW.messages <> OLD.messages",
        "a prompt keeps its text and its split for life",
    ),
    Guard(
        "guard_completion_fixed",
        "labeling_completion",
        "UPDATE",
        "NEW.text <> OLD.text OR NEW.prompt_id <> OLD.prompt_id OR NEW.content_hash <> OLD.content_hash "
        "OR COALESCE(NEW.generator_id, 0) <> COALESCE(OLD.generator_id, 0)",
        "a completion keeps its text and what wrote it for life",
    ),
    Guard(
        "guard_generator_fixed",
        "labeling_generator",
        "UPDATE",
        "NEW.project_id <> OLD.project_id OR NEW.kind <> OLD.kind OR NEW.name <> OLD.name "
        "OR NEW.settings <> OLD.settings OR NEW.fingerprint <> OLD.fingerprint",
        "what wrote a completion keeps its name and its settings for life",
    ),
    Guard(
        "guard_comparison_fixed",
        "labeling_comparison",
        "UPDATE",
        "NEW.prompt_id <> OLD.prompt_id OR NEW.k <> OLD.k OR NEW.content_hash <> OLD.content_hash "
        "OR NEW.project_id <> OLD.project_id",
        "a comparison keeps its prompt and its completions for life",
    ),
    Guard(
        "guard_comparison_project",
        "labeling_comparison",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM labeling_prompt p WHERE p.id = NEW.prompt_id AND p.project_id = NEW.project_id) "
        "OR NOT EXISTS (SELECT 1 FROM labeling_lane l WHERE l.id = NEW.lane_id AND l.project_id = NEW.project_id)",
        "a comparison belongs to the project of its prompt and of its lane",
    ),
    Guard(
        "guard_candidate_of_prompt",
        "labeling_candidate",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM labeling_comparison c WHERE c.id = NEW.comparison_id AND NEW.position < c.k "
        "AND c.prompt_id = (SELECT prompt_id FROM labeling_completion WHERE id = NEW.completion_id))",
        "a comparison holds K completions of its own prompt",
    ),
    Guard(
        "guard_candidate_fixed",
        "labeling_candidate",
        "UPDATE",
        "1 = 1",
        "a comparison keeps its completions for life",
    ),
    Guard(
        "guard_candidate_kept",
        "labeling_candidate",
        "DELETE",
        "EXISTS (SELECT 1 FROM labeling_assignment a WHERE a.comparison_id = OLD.comparison_id)",
        "a comparison that was served keeps its completions",
    ),
    Guard(
        "guard_assignment_of_whole_comparison",
        "labeling_assignment",
        "INSERT",
        "(SELECT COUNT(*) FROM labeling_candidate d WHERE d.comparison_id = NEW.comparison_id) <> "
        "(SELECT k FROM labeling_comparison c WHERE c.id = NEW.comparison_id)",
        "only a comparison with all its K completions is served",
    ),
    Guard(
        "guard_assignment_project",
        "labeling_assignment",
        "INSERT",
        "NEW.project_id <> (SELECT project_id FROM labeling_comparison c WHERE c.id = NEW.comparison_id)",
        "an assignment belongs to the project of its comparison",
    ),
    Guard(
        "guard_assignment_fixed",
        "labeling_assignment",
        "UPDATE",
        "NEW.annotator_id <> OLD.annotator_id OR NEW.comparison_id <> OLD.comparison_id "
        "OR NEW.project_id <> OLD.project_id "
        "OR (NEW.shown <> OLD.shown AND EXISTS (SELECT 1 FROM labeling_judgment j WHERE j.assignment_id = NEW.id))",
        "an assignment keeps its person, its comparison, and the order that was judged",
    ),
    Guard(
        "guard_latest_is_own",
        "labeling_assignment",
        "UPDATE OF latest_id",
        "NEW.latest_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM labeling_judgment j WHERE j.id = NEW.latest_id AND j.assignment_id = NEW.id)",
        "the latest judgment of an assignment is one of its own",
    ),
    Guard(
        "guard_slot_taken_within_overlap",
        "labeling_assignment",
        "INSERT",
        "NEW.slot IS NOT NULL AND NEW.slot >= (SELECT overlap FROM labeling_comparison WHERE id = NEW.comparison_id)",
        "no slot at or above the overlap of a comparison",
    ),
    Guard(
        "guard_slot_moved_within_overlap",
        "labeling_assignment",
        "UPDATE",
        "NEW.slot IS NOT NULL AND NEW.slot >= (SELECT overlap FROM labeling_comparison WHERE id = NEW.comparison_id)",
        "no slot at or above the overlap of a comparison",
    ),
    Guard(
        "guard_overlap_keeps_slots",
        "labeling_comparison",
        "UPDATE",
        "NEW.overlap < OLD.overlap AND EXISTS (SELECT 1 FROM labeling_assignment a "
        "WHERE a.comparison_id = NEW.id AND a.slot >= NEW.overlap)",
        "an overlap cannot fall below a slot that is taken",
    ),
    Guard(
        "guard_judgment_fixed",
        "labeling_judgment",
        "UPDATE",
        "1 = 1",
        "a judgment is never updated: an amendment is a new revision",
    ),
    Guard(
        "guard_judgment_kept",
        "labeling_judgment",
        "DELETE",
        "1 = 1",
        "a judgment is never deleted",
    ),
    Guard(
        "guard_judgment_of_its_comparison",
        "labeling_judgment",
        "INSERT",
        "{json_length}(NEW.ranks) <> (SELECT k FROM labeling_comparison WHERE id = "
        "(SELECT comparison_id FROM labeling_assignment WHERE id = NEW.assignment_id)) "
        "OR NEW.revision < 1 OR (NEW.revision > 1 AND NOT EXISTS (SELECT 1 FROM labeling_judgment j "
        "WHERE j.assignment_id = NEW.assignment_id AND j.revision = NEW.revision - 1))",
        "a judgment ranks the K completions of its comparison, and revisions follow one another",
    ),
    Guard(
        "guard_guideline_fixed",
        "labeling_guideline",
        "UPDATE",
        "NEW.text <> OLD.text OR NEW.version <> OLD.version OR NEW.project_id <> OLD.project_id",
        "guidelines are never edited: a change is the next version",
    ),
]


def install_guards(guards: list[Guard], using: str) -> None:
    """Replace each guard on the database `using`. Tables that are not there yet (a partial migrate) are left alone."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for guard in guards:
            if guard.table in tables:
                for statement in guard.drop(connection.vendor) + guard.create(connection.vendor):
                    cursor.execute(statement)


def remove_guards(guards: list[Guard], using: str) -> None:
    """Take the guards away, for tests that show what they prevent."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for guard in guards:
            if guard.table in tables:
                for statement in guard.drop(connection.vendor):
                    cursor.execute(statement)


def remove_all_guards(using: str, **kwargs: object) -> None:
    """Receiver of pre_migrate: take away every guard, those of earlier versions too."""
    connection = connections[using]
    found = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)",
    }
    with connection.cursor() as cursor:
        cursor.execute(found[connection.vendor])
        for name, table in cursor.fetchall():
            if name.startswith("guard_"):
                for statement in Guard(name, table, "", "", "").drop(connection.vendor):
                    cursor.execute(statement)


def install_labeling_guards(using: str, **kwargs: object) -> None:
    """Receiver of post_migrate."""
    from labeling.models import Project

    if router.allow_migrate_model(using, Project):
        install_guards(LABELING_GUARDS, using)


__all__ = ["LABELING_GUARDS", "Guard", "install_guards", "remove_all_guards", "remove_guards"]
