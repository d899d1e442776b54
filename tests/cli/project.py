"""A project in a folder of its own, and its command line called in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from journey_pipelines.cli.program import journeys
from journey_pipelines.store.postgres import PostgresStore

NOWHERE = "postgresql://127.0.0.1:1/nothing"


@dataclass(frozen=True)
class Project:
    """Folder and database of one project."""

    home: Path
    store_url: str = NOWHERE
    warehouse_url: str = ""
    snapshots: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What the command line reads."""
        return {
            "JOURNEYS_HOME": str(self.home),
            "JOURNEYS_STORE_URL": self.store_url,
            "JOURNEYS_WAREHOUSE_URL": self.warehouse_url,
            "JOURNEYS_SNAPSHOTS": self.snapshots,
        }

    def call(self, *arguments: str) -> Result:
        """Run `journeys` with these arguments."""
        return CliRunner().invoke(journeys, list(arguments), env=self.environment, prog_name="journeys")

    def write(self, name: str, text: str) -> str:
        """Write a file into the project; gives its path."""
        path = self.home / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def document(self, **changes: Any) -> str:
        """Write a journey document; gives its path."""
        made = {**by_hand(), **changes}
        return self.write(f"{made['key']}.json", json.dumps(made))

    @property
    def store(self) -> PostgresStore:
        """The project's journey store."""
        return PostgresStore(self.store_url)


def by_hand() -> dict[str, Any]:
    """A journey that customers are started in by hand: it waits for a purchase, then ends."""
    return {
        "key": "by-hand",
        "name": "Started by hand",
        "entry": {"context": ["source", "score"]},
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "purchase", "type": "wait", "config": {"event": "customer.purchase", "timeout": "P7D"}},
            {"id": "done", "type": "end"},
        ],
        "edges": [
            {"source": "start", "target": "purchase"},
            {"source": "purchase", "target": "done", "branch": "event"},
            {"source": "purchase", "target": "done", "branch": "timeout"},
        ],
    }
