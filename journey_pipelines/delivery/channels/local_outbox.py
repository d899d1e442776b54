"""The default way out: messages become files below one folder, so that one can read them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from journey_pipelines.delivery.answers import together
from journey_pipelines.delivery.channels.channel import Channel
from journey_pipelines.delivery.channels.email_files import DEFAULT_SENDER, EmailFiles
from journey_pipelines.delivery.channels.line_files import LineFiles


class LocalOutbox:
    """Satisfies `Channel` for every kind of message: what has a subject becomes an e-mail, anything else a line.

    Writes `email/<day>/<name>.eml`, `sms/<day>.jsonl` and `push/<day>.jsonl` below the folder. The day is that of the
    request (UTC), so that a dispatch always belongs to the same place: sending a key again changes nothing, and after
    a crash one can look up what was written. A folder that cannot be written answers `retry`: nothing is lost.
    """

    def __init__(self, folder: Path | str, *, sender: str = DEFAULT_SENDER) -> None:
        self.folder = Path(folder)
        self._emails = EmailFiles(self.folder, sender=sender)
        self._lines: dict[str, LineFiles] = {}

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`; the result has `message_id` and `file`, relative to the folder."""
        return self._by_kind(dispatches, lambda channel, rows: channel.send(rows))

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`; here it is always known whether a message left."""
        return self._by_kind(dispatches, lambda channel, rows: channel.look_up(rows))

    def _by_kind(self, dispatches: pd.DataFrame, work: Callable[[Channel, pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        is_email = pd.Series(["subject" in payload for payload in dispatches["payload"]], dtype=bool)
        kinds = dispatches["action_type"].str.removeprefix("send_").mask(is_email.to_numpy())
        groups = dispatches.groupby(kinds.to_numpy(dtype=object, na_value=None), sort=False, dropna=False)
        return together(work(self._channel(kind), rows.reset_index(drop=True)) for kind, rows in groups)

    def _channel(self, kind: object) -> Channel:
        if not isinstance(kind, str):
            return self._emails
        return self._lines.setdefault(kind, LineFiles(self.folder, kind))
