"""Whether a journey store in Postgres holds together: what no constraint of the database can enforce.

Here belongs: what must always be true of the rows, and what to do where it is not. Not here: mending anything.
"""

from journey_pipelines.store.doctor.examination import Finding, Findings, examine

__all__ = ["Finding", "Findings", "examine"]
