"""The command line `journeys`: one file for each command or small family of them.

Belongs here: reading arguments, one call of the rooms below, and saying what came of it. Does not belong here: a
decision about a customer, or anything that a Dagster asset would need too (`live`).
"""

from journey_pipelines.cli.program import journeys


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    journeys(prog_name="journeys")
