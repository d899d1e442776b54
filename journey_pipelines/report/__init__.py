"""A journey on one page: drawn with the flow on its edges, its funnel, its sends and its waits.

Belongs here: what the page shows and how. Does not belong here: counting, which the store's views do.
"""

from journey_pipelines.report.page import report_page

__all__ = ["report_page"]
