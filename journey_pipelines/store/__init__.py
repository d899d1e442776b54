"""The journey store: two implementations of `engine.ports.JourneyStore`, in memory and in Postgres, and its migrations.

What the engine decides does not belong here; what must hold for its rows whatever it decides does.
"""
