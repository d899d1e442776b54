"""JSONLogic over columns, with the semantics of json-logic-js 2.0.5.

Belongs here: what a rule is (`syntax`, `parsing`, `reads`), what its values mean (`coercion`, `comparison`, `access`,
`json_values`, `operators`), and its two evaluators: `scalar` for one document and `columns` for a frame. Does not
belong here: journeys, stores, clocks, or anything that a rule of the reference cannot say.

    >>> import pandas as pd
    >>> rule = compile_rule({"and": [{">=": [{"var": "baskets_30d"}, 1]}, {"==": [{"var": "tier"}, "gold"]}]})
    >>> sorted(rule.columns)
    ['baskets_30d', 'tier']
    >>> rule.mask(pd.DataFrame({"baskets_30d": [0, 3], "tier": ["gold", "gold"]})).tolist()
    [False, True]
    >>> rule.scalar({"baskets_30d": 3, "tier": "gold"})
    True
"""

from journey_pipelines.errors import RuleError
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.rule import Rule, compile_rule, masks, safe_json_logic

__all__ = ["Rule", "RuleError", "RuleEvaluationError", "compile_rule", "masks", "safe_json_logic"]
