"""Receipts: what providers tell of messages after they have taken them over, by webhooks.

Belongs here: whether a request is a provider's, what its events mean, and putting that into the store. Does not belong
here: HTTP, and what a receipt makes of a dispatch, which the engine decides (`engine/receipts.py`).
"""

from journey_pipelines.delivery.receipts.receipt import Receipt, Receiver, Suppression, WebhookRequest

__all__ = ["Receipt", "Receiver", "Suppression", "WebhookRequest"]
