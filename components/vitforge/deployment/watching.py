"""The reconciler's loop: woken by a webhook, and by the clock in any case."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vitforge.config import DeploymentConfig
from vitforge.deployment.reconcile import Reconciliation, reconcile
from vitforge.deployment.webhook import Deliveries, webhook_app
from vitforge.errors import VitforgeError, explain
from vitforge.tracking.client import connect, resolve_tracking_uri

OnLook = Callable[[Reconciliation | VitforgeError], None]
EVENTS = ("model_version_alias.created", "model_version_alias.deleted")


def watch(
    name: str,
    config: DeploymentConfig,
    *,
    every: float,
    wake: threading.Event,
    stop: threading.Event,
    on_look: OnLook,
    home: Path | None = None,
) -> None:
    """Reconcile until told to stop; a failure is told, and tried again at the next look.

    Args:
        name: Registered model.
        config: Address, variant, time allowed.
        every: Seconds between looks.
        wake: Set to look at once; cleared here.
        stop: Set, with `wake`, to end.
        on_look: Hears the result of every look.
        home: Folder of the ledger.
    """
    while not stop.is_set():
        wake.clear()  # first: an alias that moves while this look runs gets a look of its own
        try:
            on_look(reconcile(name, config, home=home))
        except Exception as error:  # whatever it is, the next look may find it gone
            on_look(explain(error))
        wake.wait(every)


@contextmanager
def webhook(name: str, host: str, port: int, wake: threading.Event) -> Iterator[str]:
    """Receive MLflow's webhooks while the block runs; registers itself, and takes that back.

    Args:
        name: Registered model; part of the webhook's name in MLflow.
        host: Address that MLflow reaches this machine by.
        port: Port to listen on; 0 takes a free one.
        wake: Set for each delivery.

    Yields:
        The address that MLflow was told.

    Raises:
        VitforgeError: if the port is taken, or MLflow refuses the webhook.
    """
    import uvicorn

    secret = secrets.token_urlsafe(32)
    app = webhook_app(Deliveries(secret), wake.set)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise VitforgeError(
                f"cannot listen on {host}:{port}: {error.strerror}",
                mend="--webhook-port 0 takes a free one",
            ) from None
        url = f"http://{host}:{listener.getsockname()[1]}/"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        # Signals belong to the command, which ends the server itself.
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        hook = _register(name, url, secret)
        try:
            yield url
        finally:
            _forget(hook)
            server.should_exit = True
            thread.join(5)


def _register(name: str, url: str, secret: str) -> str:
    client = connect(resolve_tracking_uri())
    own = f"vitforge-reconcile-{name}"
    for old in client.list_webhooks():
        if old.name == own:  # left by a reconciler that was killed
            client.delete_webhook(old.webhook_id)
    try:
        return str(client.create_webhook(own, url, list(EVENTS), secret=secret).webhook_id)
    except Exception as error:
        raise VitforgeError(
            f"MLflow refuses the webhook: {error}",
            where=url,
            mend="the server needs MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https, "
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true and MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY; "
            "without --webhook-port the alias is polled",
        ) from error


def _forget(hook: str) -> None:
    import contextlib

    with contextlib.suppress(Exception):  # the server may be gone; the next start tidies up
        connect(resolve_tracking_uri()).delete_webhook(hook)
