"""Evidence: why an execution went the way that the store says, computed once more from store and snapshots.

Belongs here: which values a rule read (`reads`), its evaluation by the scalar evaluator (`evaluations`), and what
follows for each step (`entries`, `steps`, `endings`, `messages`). Does not belong here: any decision about a customer,
which is the engine's, and how a finding looks on a terminal.
"""
