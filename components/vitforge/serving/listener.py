"""Sockets that a server listens on."""

import errno
import socket

from vitforge.errors import VitforgeError


def listen(host: str, port: int, *, share: bool = False) -> socket.socket:
    """Bind and listen, so that a port in use is known before anything is loaded.

    Args:
        host: Address.
        port: Port; 0 takes a free one.
        share: Listen beside an older server of ours that still holds the port, so that one takes
            over from the other without a gap.

    Raises:
        VitforgeError: if the port is in use or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if not share:  # a listener without SO_REUSEPORT finds any other; the one below does not
            with socket.socket(family) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((host, port))
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        cause = f"port {port} is in use" if taken else f"cannot listen on {host}: {error.strerror}"
        raise VitforgeError(
            cause,
            where=f"{host}:{port}",
            mend="--port 0 takes a free port; in a config, deployment.port: 0",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address a client on this machine can call."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"
