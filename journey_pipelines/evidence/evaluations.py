"""Rules over one customer, by the scalar evaluator, with what they read."""

from collections.abc import Iterable, Mapping
from typing import Any

from journey_pipelines.evidence.findings import Evaluation, Reading
from journey_pipelines.evidence.reads import Reads
from journey_pipelines.evidence.wording import rule_text
from journey_pipelines.rules import Rule, RuleEvaluationError
from journey_pipelines.rules.coercion import truthy


def evaluate(of: str, rule: Rule, reads: Reads) -> Evaluation:
    """Whether the rule is true for what the customer's decision read."""
    return evaluate_over(of, rule, reads.document(rule), [reads.reading(path) for path in sorted(rule.paths)])


def evaluate_over(of: str, rule: Rule, document: Mapping[str, Any], readings: Iterable[Reading]) -> Evaluation:
    """Whether the rule is true for a document."""
    is_true, fault = None, None
    try:
        is_true = truthy(rule.scalar(document))
    except RuleEvaluationError as error:
        fault = str(error)
    return Evaluation(of, rule_text(rule), rule.fingerprint, is_true, tuple(readings), fault)
