"""Delivery: how a dispatch becomes something that reaches a customer.

Belongs here: the action types, templates and their sandbox, what holds a send back (staleness, address, consent,
suppression, quiet hours, caps), the channels that carry messages, and the dispatchers that the engine calls. Does not
belong here: deciding who goes where (engine), tables (store), or settings (composition).
"""
