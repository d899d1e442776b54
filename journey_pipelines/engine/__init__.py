"""The engine: enrol, advance, apply results. Frames in, frames out; `as_of` is an argument.

Belongs here: every decision about executions, as column operations over groups of (journey version, node), and the
protocols of what it needs from outside (`ports`). Does not belong here: a clock, an environment variable, a database,
Dagster, HTTP, or a Python loop over customers.
"""
