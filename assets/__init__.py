"""Assets: what Dagster materialises, and what starts it. Each fetches, calls the core, persists and reports.

Belongs here: thin assets with their metadata and checks, jobs, schedules and sensors. Does not belong here: a decision
about customers (that is the engine's), an import of `resources`, or the settings. No module here may have
`from __future__ import annotations`: Dagster reads the annotations of configuration and resources.
"""
