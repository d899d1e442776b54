"""Journey documents: models, checks, versions, durations. No database, no HTTP, no provider library.

Belongs here: what a journey is and whether it is right. Does not belong here: what happens to customers (`engine`).
"""
