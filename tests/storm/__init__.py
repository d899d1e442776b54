"""Storms: runs whose process, database or neighbours fail at random moments, against one that nobody disturbed.

`python -m tests.storm` (or `make storm`) is the big form; a small one is a test in tests/e2e.
"""
