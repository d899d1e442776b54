"""JSON pointers (RFC 6901): where in a document something is."""


def pointer(at: str, *steps: str | int) -> str:
    """The pointer `at` extended by keys and positions, escaped."""
    return at + "".join(f"/{_escaped(str(step))}" for step in steps)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
