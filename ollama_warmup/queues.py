"""Names on the wire: tasks and queues, which publisher and worker share."""

WARMUP = "ollama.warmup"
"""The task that makes one model warm."""

CONTROL = "ollama.control"
"""The queue of what needs no lane."""


def lane(host: str) -> str:
    """The queue of a host's lane: the serial channel of its loads."""
    return f"ollama.lane.{host}"
