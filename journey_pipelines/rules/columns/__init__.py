"""The column evaluator: one rule over all rows of a frame, in agreement with `scalar` row by row.

Belongs here: how columns become typed vectors of JSON values (`layouts`, `intake`, `vector`, `bound`), and how nodes
are computed on them (`nodes` and its kernels `relations`, `arithmetic`, `membership`, `lists`). Conditions go a shorter
way where their columns allow: `typed` columns, `lowering` to `terms`, evaluated block by block (`plans`). Does not
belong here: what a value means; that is `coercion` and `comparison`, which the kernels follow. Where no kernel covers a
node, its function of `operators` or the scalar evaluator runs once for each row that is still undecided, and nowhere
else, but where all rows together would hold too much (`evaluate`).
"""

from journey_pipelines.rules.columns.bound import BoundFrame, Missing, known_policy
from journey_pipelines.rules.columns.evaluate import mask, masks, values
from journey_pipelines.rules.columns.explain import Step, explain

__all__ = ["BoundFrame", "Missing", "Step", "explain", "known_policy", "mask", "masks", "values"]
