"""`call_note`: a note that asks the call centre to ring a customer, one JSON file in a folder for each."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from pydantic import BaseModel, Field

from journey_pipelines.delivery.actions.action_type import ActionType, Parameters
from journey_pipelines.delivery.answers import answers
from journey_pipelines.journeys.catalog import UnknownPolicy

FOLDER_VARIABLE = "JOURNEYS_CALL_NOTES"


class CallNoteParameters(Parameters):
    """Config of `call_note`: what to say, and which team calls. Both may hold variables."""

    note: str = Field(min_length=1)
    team: str = "service"


class CallNote(ActionType):
    """A note for the call centre; payload {note, team}."""

    name: ClassVar[str] = "call_note"
    label: ClassVar[str] = "Ask for a call"
    parameters: ClassVar[type[BaseModel]] = CallNoteParameters
    # the file is named by the dispatch key: writing it again changes nothing
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.AT_LEAST_ONCE

    def deliver(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """Write one file for each dispatch; a folder that cannot be written means later."""
        folder = Path(os.environ.get(FOLDER_VARIABLE, ".journeys/call_notes"))
        columns = (dispatches[name] for name in ("key", "customer_id", "payload"))
        outcomes = [_write(folder, *row) for row in zip(*columns, strict=True)]
        return answers(dispatches["key"], [status for status, _ in outcomes], [result for _, result in outcomes])


def _write(folder: Path, key: str, customer_id: str, payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"key": key, "customer_id": customer_id, **payload}) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        return "retry", {"reason": f"call_notes_unwritable: {error}"}
    return "sent", {"file": path.name}
