"""Whom a server answers: the Host headers and browser origins that it lets in."""

import ipaddress
import socket
from http import HTTPStatus

from worker.simulator.exchange import Exchange

_PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]
"""What Go's netip calls private."""

_LOCAL_NAMES = (".localhost", ".local", ".internal")
_SITES = tuple(
    f"{scheme}://{host}"
    for scheme in ("http", "https")
    for host in ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 - not bound to
)
_APPS = ("app://", "file://", "tauri://", "vscode-webview://", "vscode-file://")
_ALLOWED_HEADERS = (
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,"
    "X-Stainless-Arch,X-Stainless-Async,X-Stainless-Custom-Poll-Interval,"
    "X-Stainless-Helper-Method,X-Stainless-Lang,X-Stainless-Os,"
    "X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,"
    "X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout"
)
_PREFLIGHT = (
    ("access-control-allow-headers", _ALLOWED_HEADERS),
    ("access-control-allow-methods", "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"),
    ("access-control-max-age", "43200"),
    ("vary", "Origin"),
    ("vary", "Access-Control-Request-Method"),
    ("vary", "Access-Control-Request-Headers"),
)


async def lets_in(exchange: Exchange, *, is_loopback: bool) -> bool:
    """Let a request in, or answer it.

    (1) A foreign origin is refused; the server's own address is none.
    (2) A good origin is told so, and its preflight ends here.
    (3) A server on a loopback address refuses foreign Host headers.
    (4) For a local name, not an address, it answers OPTIONS with nothing.

    Source: gin-contrib/cors, applyCors; `server/routes.go`, GenerateRoutes and
    allowedHostsMiddleware.
    """
    asks = exchange.method == "OPTIONS"
    origin, host = exchange.header("origin"), exchange.header("host")
    if origin and origin not in (f"http://{host}", f"https://{host}"):
        if not is_good_origin(origin):  # (1)
            await exchange.empty(status=HTTPStatus.FORBIDDEN)
            return False
        exchange.headers += _PREFLIGHT if asks else (("vary", "Origin"),)  # (2)
        exchange.headers.append(("access-control-allow-origin", origin))
        if asks:
            await exchange.empty(status=HTTPStatus.NO_CONTENT)
            return False
    if not is_loopback or _is_local_address(_without_port(host)):
        return True
    if not _is_local_name(_without_port(host)):  # (3)
        await exchange.empty(status=HTTPStatus.FORBIDDEN)
        return False
    if asks:  # (4)
        await exchange.empty(status=HTTPStatus.NO_CONTENT)
    return not asks


def is_good_origin(origin: str) -> bool:
    """Whether a browser's page may call: one of this machine, or an app's.

    Source: `envconfig/config.go`, AllowedOrigins.
    """
    return (
        origin in _SITES
        or origin.startswith(tuple(f"{site}:" for site in _SITES))
        or origin.startswith(_APPS)
    )


def _without_port(host_header: str) -> str:
    """Cut the port off; brackets without a port stay, as Go's SplitHostPort fails."""
    host, colon, port = host_header.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1]
    return host if colon and ":" not in host and "]" not in port else host_header


def _is_local_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (
        address.is_loopback
        or address.is_unspecified
        or any(address in network for network in _PRIVATE)
    )


def _is_local_name(host: str) -> bool:
    name = host.lower()
    return name in ("", "localhost", socket.gethostname().lower()) or (
        name.endswith(_LOCAL_NAMES)
    )
