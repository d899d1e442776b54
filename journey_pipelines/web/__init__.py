"""What is reached from outside over HTTP: the webhooks of providers, and the links in mails.

Belongs here: routes, status codes, pages. Does not belong here: what a request means (`delivery/receipts`), and what
follows from it (`engine`).
"""

from journey_pipelines.web.app import webhooks_app

__all__ = ["webhooks_app"]
