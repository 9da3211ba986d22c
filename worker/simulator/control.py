"""`/_sim`: what the simulator tells about itself, and how faults are switched."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.faults import BadFaultError, Fault, Kind
from worker.simulator.host import Host
from worker.simulator.physics.ledger import Stay
from worker.simulator.visitors import Asked

PREFIX = "/_sim/"
_HOSTS = "/_sim/hosts/"


def host_meant(hosts: Sequence[Host], exchange: Exchange) -> tuple[Host, str]:
    """Find the host that the control port is asked about, and the path below `/_sim`.

    `/_sim/hosts/<n>/…` or the query `host=<n>`; the first host when neither is given.

    Raises:
        HttpError: for a host that does not exist.
    """
    path, number = exchange.path, exchange.query.get("host", "0")
    if path.startswith(_HOSTS):
        number, _, rest = path.removeprefix(_HOSTS).partition("/")
        path = PREFIX + rest
    if not number.isdecimal() or int(number) >= len(hosts):
        raise HttpError(404, f'no host "{number}"; there are 0 to {len(hosts) - 1}')
    return hosts[int(number)], path


async def serve(host: Host, exchange: Exchange, path: str) -> None:
    """Answer a request to `/_sim`.

    Raises:
        HttpError: for an unknown path, method, fault or field.
    """
    match exchange.method, path.removeprefix(PREFIX):
        case "GET", "stats":
            await exchange.answer(_stats(host))
        case "GET", "history":
            host.residents()
            await exchange.answer({"history": _rows(host, host.scheduler.ledger.stays)})
        case "GET", "requests":
            await exchange.answer({"requests": _rows(host, host.asked)})
        case "GET", "faults":
            await exchange.answer(_faults(host))
        case "POST", "faults":
            await _switch_on(host, exchange)
            await exchange.answer(_faults(host))
        case "DELETE", "faults":
            await _switch_off(host, exchange)
            await exchange.answer(_faults(host))
        case _:
            raise HttpError(
                404,
                "known here: GET /_sim/stats, GET /_sim/history, "
                "GET /_sim/requests, GET, POST and DELETE /_sim/faults",
            )


def _stats(host: Host) -> dict[str, object]:
    residents = host.residents()
    return {
        **asdict(host.scheduler.ledger.counts),
        "requests": dict(sorted(host.requests.items())),
        "pulled_bytes": host.downloads.fetched_bytes,
        "resident": len(residents),
        "busy": sum(resident.is_busy for resident in residents),
        "is_loading": host.scheduler.is_loading,
        "is_waiting_for_room": host.scheduler.is_waiting,
    }


def _rows(host: Host, kept: Iterable[Stay | Asked]) -> list[dict[str, object]]:
    """What is kept, with its instants as dates."""
    rows = []
    for one in kept:
        row = asdict(one)
        for name in row:
            if name.endswith("_at") and row[name] is not None:
                row[name] = host.clock.stamp(row[name])
        rows.append(row)
    return rows


def _faults(host: Host) -> dict[str, object]:
    return {"faults": [fault.as_json() for fault in host.faults.on]}


async def _switch_on(host: Host, exchange: Exchange) -> None:
    try:
        given = json.loads(exchange.body or b"null")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise HttpError(400, 'write a JSON object such as {"fault": "hang"}')
    if given.get("fault") == Kind.REFUSE and host.door is None:
        raise HttpError(
            400, 'fault "refuse" needs a control port, or nobody could switch it off'
        )
    try:
        fault = host.faults.add(given)
    except BadFaultError as error:
        raise HttpError(400, str(error)) from error
    if fault.kind is Kind.CRASH:
        _crash(host, fault)
    await host.heed_faults()


def _crash(host: Host, fault: Fault) -> None:
    for resident in host.residents():
        if fault.concerns(model=resident.model.name.full, path=None):
            host.crash(resident.model)


async def _switch_off(host: Host, exchange: Exchange) -> None:
    try:
        host.faults.clear(exchange.query.get("fault"))
    except BadFaultError as error:
        raise HttpError(400, str(error)) from error
    await host.heed_faults()
