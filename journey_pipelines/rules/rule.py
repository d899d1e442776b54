"""The public face of a rule: compile once, evaluate over documents or frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_pipelines.rules import columns as over_columns
from journey_pipelines.rules import syntax
from journey_pipelines.rules.columns import BoundFrame, Missing, Step, known_policy
from journey_pipelines.rules.faults import BoundedDepth, Budget
from journey_pipelines.rules.json_values import from_result, key_text, to_json
from journey_pipelines.rules.parsing import parse
from journey_pipelines.rules.reads import Reads, find_reads
from journey_pipelines.rules.scalar import Run, compile_scalar

DOCUMENT: Final = BoundedDepth("a document")
CELL: Final = BoundedDepth("a cell of the frame")


@dataclass(frozen=True, eq=False)
class Rule:
    """A compiled rule. Make it with `compile_rule`; it is immutable and safe to share between threads."""

    node: syntax.Node = field(repr=False)

    @cached_property
    def operators(self) -> frozenset[str]:
        """The operators that it uses."""
        return syntax.operators(self.node)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits; equal for all spellings of one rule."""
        return syntax.fingerprint(self.node)

    @cached_property
    def _reads(self) -> Reads:
        return find_reads(self.node)

    @property
    def columns(self) -> frozenset[str]:
        """Top-level names of the document that it reads: first segments of the paths of `var` and `missing`."""
        return self._reads.columns

    @property
    def paths(self) -> frozenset[str]:
        """The whole dotted paths that it reads outside the bodies of list operators."""
        return self._reads.paths

    @property
    def reads_everything(self) -> bool:
        """Whether it reads the whole document or a name that it computes, beyond `columns`."""
        return self._reads.everything

    @cached_property
    def _run(self) -> Run:
        return compile_scalar(self.node)

    def scalar(self, row: Any) -> Any:
        """The value for one document (a dict, as a rule; values as in `json_values`, NaN is null).

        Raises RuleEvaluationError where the reference throws and where a bound is passed.
        """
        with DOCUMENT:
            return from_result(self._run(self._document(row), Budget()))

    def _document(self, row: Any) -> Any:
        if not isinstance(row, Mapping) or self.reads_everything:
            return to_json(row)
        if set(map(type, row)) - {str}:
            row = {key_text(key): value for key, value in row.items()}
        return {name: to_json(row[name]) for name in self.columns if name in row}

    def bind(self, frame: pd.DataFrame) -> BoundFrame:
        """The frame with caches of its columns, for this and any other rule. Do not change the frame meanwhile."""
        return BoundFrame(frame)

    def mask(self, frame: pd.DataFrame | BoundFrame, missing: Missing = "absent") -> npt.NDArray[np.bool_]:
        """Truthiness for each row, one bool for each, in the frame's order.

        A column that the frame lacks is absent in every row; a missing cell is absent, or null with missing="null"
        (only a `var` with a default tells the difference). A name with dots is the column of that name, else the
        longest column that begins it, descended into. Raises RuleEvaluationError where `scalar` would for some row.
        """
        with CELL:
            return over_columns.mask(self.node, _bound(frame), known_policy(missing))

    def values(self, frame: pd.DataFrame | BoundFrame, missing: Missing = "absent") -> pd.Series:
        """The JSON value for each row, None where null: object Series with the frame's index. Else as `mask`."""
        with CELL:
            return over_columns.values(self.node, _bound(frame), known_policy(missing))

    def explain(self, frame: pd.DataFrame | BoundFrame, missing: Missing = "absent") -> list[Step]:
        """How `mask` evaluates each node over this frame, from the root down; see `Step`."""
        with CELL:
            return over_columns.explain(self.node, _bound(frame), known_policy(missing))


def masks(
    rules: Sequence[Rule], frame: pd.DataFrame | BoundFrame, missing: Missing = "absent"
) -> list[npt.NDArray[np.bool_]]:
    """The `mask` of each rule; what the rules have in common is computed once."""
    with CELL:
        return over_columns.masks([rule.node for rule in rules], _bound(frame), known_policy(missing))


def _bound(frame: pd.DataFrame | BoundFrame) -> BoundFrame:
    return frame if isinstance(frame, BoundFrame) else BoundFrame(frame)


def compile_rule(rule: Any, *, lenient: bool = False) -> Rule:
    """Compile a JSONLogic rule (Python data as from `json.loads`).

    Raises RuleError with every fault at once, each with a JSON pointer. With `lenient` an unknown operator is no fault
    of the rule but a RuleEvaluationError when it is reached, as in the reference.
    """
    return Rule(parse(rule, lenient=lenient))


def safe_json_logic(rule: Any, data: Any, default: Any = None) -> Any:
    """The rule's value for one document, or the default where rule or document are wrong. Never raises."""
    try:
        return compile_rule(rule, lenient=True).scalar(data)
    except Exception:  # noqa: BLE001 - whatever it was given, it must not raise
        return default
