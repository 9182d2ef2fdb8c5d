"""docker-compose.yml passes on what docs/operator.md says can be set."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
# Variables that compose sets itself (where the database, the broker and the folder are), or that are for one machine.
OF_COMPOSE = {"DATABASE_URL", "REDIS_URL", "LUCE_VAR", "LUCE_ARTIFACTS", "LUCE_BUNDLED_MODEL_DIR", "LUCE_BIND"}
NOT_FOR_COMPOSE = {"LUCE_DEMO", "LUCE_DEBUG"}


def services() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


def documented() -> set[str]:
    table = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8").partition("## Every variable")[2]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("service", ["set-up", "web", "worker", "clock", "trainer", "gpu-worker"])
def test_every_variable_of_the_manual_reaches_every_service(service: str) -> None:
    passed = services()[service]["environment"]
    missing = documented() - OF_COMPOSE - NOT_FOR_COMPOSE - passed.keys()
    assert missing == set()
    for name in documented() & passed.keys() - OF_COMPOSE:
        assert passed[name].startswith(f"${{{name}:"), name
