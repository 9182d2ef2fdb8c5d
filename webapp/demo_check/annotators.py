"""Simulated annotators: seeded programs that sign in and rank over HTTP as people do, and say so."""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from webapp.demo_check.client import Client, SiteError
from webapp.demo_check.preference import noisy_ranks, quality

PAUSE = 0.5


@dataclass(frozen=True)
class Persona:
    """Who is simulated. `temperature` is the scale of the noise (see `preference`), in units of quality."""

    username: str
    display_name: str
    temperature: float
    seed: int


PERSONAS = (
    Persona("simulated-careful", "Careful", 0.15, 11),
    Persona("simulated-usual", "Usual", 0.25, 12),
    Persona("simulated-hasty", "Hasty", 0.5, 13),
)


@dataclass
class Annotator(threading.Thread):
    """Ranks whatever the site serves until told to stop. `failure` holds what went wrong, if anything did."""

    persona: Persona
    client: Client
    project: str
    ranked: int = 0
    idle: bool = False
    failure: Exception | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(name=self.persona.username, daemon=True)
        self.draw = random.Random(self.persona.seed)  # noqa: S311 - a simulation, no secret

    __hash__ = threading.Thread.__hash__
    __eq__ = threading.Thread.__eq__

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                served = self.client.post(f"/api/projects/{self.project}/next/")
                assignment = served.get("assignment")
                self.idle = assignment is None
                if assignment is None:
                    self.stopping.wait(PAUSE)
                else:
                    self._rank(assignment)
        except (SiteError, OSError, KeyError, ValueError) as error:
            self.failure = error

    def _rank(self, assignment: dict[str, Any]) -> None:
        prompt = prompt_text(assignment["prompt"])
        qualities = [quality(prompt, completion["text"]) for completion in assignment["completions"]]
        began = time.monotonic()
        said = {
            "key": str(uuid.UUID(int=self.draw.getrandbits(128), version=4)),
            "ranks": noisy_ranks(qualities, self.persona.temperature, self.draw),
            "active_seconds": round(time.monotonic() - began, 3),
        }
        self.client.post(f"/api/assignments/{assignment['id']}/judgment/", said)
        self.ranked += 1


def prompt_text(messages: list[dict[str, str]]) -> str:
    """All turns of a prompt as one text: what an answer may take up."""
    return "\n".join(message["content"] for message in messages)
