"""Providers that messages leave through: one module each, behind the one channel of `provider_channel.py`.

Belongs here: how a provider is asked, what its answers mean, its configuration. What the answers of all providers have
in common lies in `outcomes.py`, how fast they are asked in `pace.py`. Does not belong here: who is written to and what
(`departure.py`), or which provider an installation uses (`settings`, `composition`).

Nothing that simulates or replays may import this package; a contract says so.
"""
