"""Resources: how Dagster's configuration becomes the plain objects that assets ask for.

Belongs here: ConfigurableResource classes around `journey_pipelines.composition`, and Dagster's own storage. Does not
belong here: behaviour, or an import of `assets`. No module here may have `from __future__ import annotations`.
"""
