"""The same advance as durable workflows: one for each customer in DBOS, where it is installed (the extra `bench`)."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from journey_pipelines.bench.per_customer import CONDITION, Execution, PlainEngine, move
from journey_pipelines.bench.server import BenchServer

NAME: Final = "journeys-bench"


def is_installed() -> bool:
    """Whether DBOS is there."""
    return find_spec("dbos") is not None


class DurableEngine(PlainEngine):
    """The plain engine's tables and moves, each step of each customer kept by DBOS."""

    database = "bench_durable"
    system_database: Final = "bench_durable_system"

    def __init__(self, server: BenchServer, features: pd.DataFrame) -> None:
        super().__init__(server, features)
        self._dbos: Any = import_module("dbos").DBOS
        self._engine: Engine | None = None
        self._workflow = self._make_workflow()

    def run(self) -> None:
        """Start everybody's workflow and wait for all; DBOS runs them in threads."""
        with self.connected() as engine:
            self._engine = engine
            handles = [self._dbos.start_workflow(self._workflow, key) for key in self.ids]
            for handle in handles:
                handle.get_result()

    def prepare(self) -> None:
        """Put everybody back, and begin with a system database without workflows."""
        super().prepare()
        self.server.copy_database("template0", self.system_database)
        url = self.server.url(self.system_database).replace("postgresql://", "postgresql+psycopg://")
        self._dbos(config={"name": NAME, "system_database_url": url, "log_level": "ERROR", "enable_otlp": False})
        self._dbos.launch()

    def check(self) -> None:
        """As the plain engine; what DBOS runs in the background ends before anything else is measured."""
        self._dbos.destroy()
        super().check()

    def _make_workflow(self) -> Any:
        # DBOS writes on the functions that it keeps, which bound methods do not allow
        @self._dbos.step()  # type: ignore[untyped-decorator]  # DBOS is optional
        def load(key: str) -> str:
            with Session(self._engine) as session:
                return session.get_one(Execution, key).customer_id

        @self._dbos.step()  # type: ignore[untyped-decorator]  # as above
        def decide(customer: str) -> bool:
            return bool(CONDITION.scalar(self.documents[customer]))

        @self._dbos.step()  # type: ignore[untyped-decorator]  # as above
        def write(key: str, engaged: bool) -> None:  # noqa: FBT001 - DBOS keeps the arguments by position
            with Session(self._engine) as session:
                move(session, session.get_one(Execution, key), engaged=engaged)
                session.commit()

        @self._dbos.workflow()  # type: ignore[untyped-decorator]  # as above
        def advance(key: str) -> None:
            write(key, decide(load(key)))

        return advance
