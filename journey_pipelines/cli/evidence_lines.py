"""The evidence of a decision in sentences, as `journeys explain` prints it below the decision."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from journey_pipelines.evidence.findings import Evaluation, Finding, Verdict
from journey_pipelines.evidence.wording import value_text

NAMES: Final = {"entry": "the entry rule", "exit": "the exit rule", "goal": "the goal's rule", "event": "the filter"}


def evidence(finding: Finding | None) -> Iterator[str]:
    """Sentences: what was computed once more, or why nothing was, or that it contradicts the store."""
    if finding is None:
        return
    remark = finding.remark.rstrip(".")
    match finding.verdict:
        case Verdict.UNCHECKED:
            yield f"This could not be computed once more: {remark}."
        case Verdict.CONTRADICTED:
            yield f"THIS CONTRADICTS THE STORE: {remark}."
        case _ if remark:
            yield f"{_capital(remark)}."
    if finding.values:
        of = f" ({finding.snapshot_id})" if finding.snapshot_id else ""
        yield f"In the profile of that time{of} {values_read(finding.values)}."
    source = _source(finding)
    for evaluation in finding.evaluations:
        yield f"{_evaluated(evaluation)}{source}."


def values_read(values: Mapping[str, Any]) -> str:
    """`customer.email_consent was false`."""
    return ", ".join(f"{path} was {value_text(value)}" for path, value in values.items())


def _evaluated(evaluation: Evaluation) -> str:
    name = NAMES.get(evaluation.of, f"the rule of {evaluation.of!r}")
    said = {True: "is true", False: "is false", None: "cannot be evaluated"}[evaluation.is_true]
    read = values_read({reading.path: reading.value for reading in evaluation.readings})
    return f"{_capital(name)}, {evaluation.rule}, {said}{f': {read}' if read else ''}"


def _source(finding: Finding) -> str:
    """Fingerprint and snapshot, where the line above does not name them."""
    named = f"fingerprint {finding.fingerprint}" if finding.fingerprint else ""
    of_snapshot = f"snapshot {finding.snapshot_id}" if finding.about in ("entry", "absence", "ending") else ""
    said = ", ".join(filter(None, (named, of_snapshot if finding.snapshot_id else "")))
    return f" ({said})" if said else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
