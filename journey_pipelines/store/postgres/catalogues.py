"""What is said once and named by a number: labels, editions, stamps, paths.

Each is committed at once on a connection of its own, so that no chunk waits for another one's, and remembered for as
long as the store lives: none of them ever changes. What a chunk that is rolled back has left here harms nobody.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import psycopg

from journey_pipelines.store.postgres.address import Address
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.partitions import Partitions
from journey_pipelines.store.statements import statements

SQL = statements("catalogues")

Edition = tuple[str, int]
Stamp = tuple[Any, str | None, Any, str | None]  # at, run_id, run_as_of, snapshot_id
Step = tuple[str, int, str | None, str | None]  # node, visit, branch, fingerprint
Path = tuple[int, tuple[Step, ...]]  # edition_no, steps


class Catalogues:
    """Numbers of what the tables of executions name by number. Safe for threads."""

    def __init__(self, connections: Connections, address: Address) -> None:
        self._connections = connections
        self._address = address
        self._known: dict[str, dict[Any, int]] = {name: {} for name in ("label", "edition", "stamp", "path")}
        self._labels: dict[int, str] = {}
        self._editions: dict[int, Edition] = {}
        self._relations: dict[int, str] = {}
        self.partitions = Partitions(connections, address)

    def label_nos(self, labels: Iterable[str]) -> Mapping[str, int]:
        """The number of each label."""
        return self._numbers("label", [(label,) for label in labels], lambda key: key[0])

    def labels(self, numbers: Iterable[int]) -> Mapping[int, str]:
        """The label of each number."""
        unknown = [number for number in numbers if number not in self._labels]
        if unknown:
            rows = self._rows(SQL["labels"], {"numbers": unknown})
            self._labels |= {int(number): str(label) for number, label in rows}
        return self._labels

    def edition_nos(self, editions: Iterable[Edition]) -> Mapping[Edition, int]:
        """The number of each (journey key, version)."""
        return self._numbers("edition", list(editions), lambda key: key)

    def editions(self, numbers: Iterable[int]) -> Mapping[int, Edition]:
        """The (journey key, version) of each number."""
        unknown = [number for number in numbers if number not in self._editions]
        if unknown:
            rows = self._rows(SQL["editions"], {"numbers": unknown})
            self._editions |= {int(number): (str(key), int(version)) for number, key, version in rows}
        return self._editions

    def relation_names(self, identifiers: Iterable[int]) -> Mapping[int, str]:
        """The name of each table."""
        unknown = [number for number in identifiers if number not in self._relations]
        if unknown:
            rows = self._rows(SQL["relations"], {"relations": unknown})
            self._relations |= {int(number): str(name) for number, name in rows}
        return self._relations

    def stamp_nos(self, stamps: Iterable[Stamp]) -> Mapping[Stamp, int]:
        """The number of each stamp."""
        return self._numbers("stamp", list(stamps), lambda key: key)

    def path_nos(self, paths: Sequence[Path]) -> Mapping[Path, int]:
        """The number of each path."""
        digests = {path: _digest(path) for path in paths}
        known = self._numbers("path", [(digests[path], path[0], _steps(path)) for path in paths], lambda key: key[0])
        return {path: known[digests[path]] for path in paths}

    def _numbers(self, name: str, keys: Sequence[tuple[Any, ...]], identity: Any) -> dict[Any, int]:
        known = self._known[name]
        for key in keys:
            if identity(key) not in known:
                values = {f"value{place}": value for place, value in enumerate(key)}
                [(number,)] = self._rows(SQL[f"find_{name}"], values) or self._rows(SQL[f"add_{name}"], values)
                known[identity(key)] = int(number)
        return known

    def _rows(self, statement: bytes, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._connections.borrow() as connection:
            try:
                return connection.execute(statement, values).fetchall()
            except psycopg.Error as error:
                raise store_error(error, self._address) from error


def _steps(path: Path) -> str:
    return json.dumps(path[1], ensure_ascii=False)


def _digest(path: Path) -> str:
    return sha256(f"{path[0]} {_steps(path)}".encode()).hexdigest()
