"""Journeys and their versions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from journey_pipelines.engine.ports import JourneyStatus, StoredVersion
from journey_pipelines.errors import NotFoundError, StoreError
from journey_pipelines.store.postgres.part import Part, utc
from journey_pipelines.store.statements import statements
from journey_pipelines.store.values import json_texts

SQL = statements("journeys")


class JourneysPart(Part):
    """Publication and status."""

    def publish(self, document: Mapping[str, Any], *, at: datetime) -> int:
        """See StoreTransaction."""
        key = str(document["key"])
        text = json_texts([document], column="journey_versions.document")[0].decode()
        status = self.session.rows(SQL["lock_journey"], journey_key=key)[0][0]
        if status == "archived":
            raise StoreError(f"journey {key} is archived and takes no new version; publish under another key")
        if status == "draft":
            self.set_status(key, "live")
        newest = self.session.rows(SQL["newest_version"], journey_key=key, document=text)
        if newest and newest[0][1]:
            return int(newest[0][0])
        version = int(newest[0][0]) + 1 if newest else 1
        self.session.execute(SQL["add_version"], journey_key=key, version=version, document=text, published_at=at)
        return version

    def set_status(self, journey_key: str, status: JourneyStatus) -> None:
        """See StoreTransaction."""
        if not self.session.execute(SQL["set_status"], journey_key=journey_key, status=status):
            raise NotFoundError(f"there is no journey {journey_key}; publish it first")

    def paused(self) -> frozenset[str]:
        """See StoreTransaction."""
        return frozenset(str(key) for (key,) in self.session.rows(SQL["paused"]))

    def versions(self, journey_key: str | None = None) -> list[StoredVersion]:
        """See StoreTransaction."""
        rows = self.session.rows(SQL["versions"], journey_key=journey_key)
        return [
            StoredVersion(key, version, from_json(document), status, utc(published_at))
            for key, version, document, status, published_at in rows
        ]

    def unfinished_versions(self) -> frozenset[tuple[str, int]]:
        """See StoreTransaction."""
        return frozenset((str(key), int(version)) for key, version in self.session.rows(SQL["unfinished_versions"]))
