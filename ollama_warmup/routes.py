"""Which queue a pull or an unload belongs to; checks its arguments first.

Neither needs a lane: a download takes no memory of a host, and an unload nothing
at all. A process that knows no `OLLAMA_WARMUP_HOSTS` leaves a host's name to the
worker.
"""

from ollama_warmup import request, warmlist, wire


def pull(model: str, host: str | None = None) -> str:
    """Check a call of `pull`, and name its queue.

    Raises:
        BadRequest: model or host cannot be meant.
        UnknownHost: this process knows the hosts, and it is none of them.
        BadSettings: the environment of this process is wrong.
    """
    _check(model, host)
    return wire.PULL


def unload(model: str, host: str | None = None) -> str:
    """Check a call of `unload`, and name its queue; raises as `pull` does."""
    _check(model, host)
    return wire.TOUCH


def _check(model: str, host: str | None) -> None:
    wanted, known = request.parse(model, host=host), warmlist.current()
    if known.is_named:
        warmlist.meant(wanted)
