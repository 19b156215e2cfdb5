import base64
import hashlib
import hmac

import pytest

from vitforge.deployment.webhook import Deliveries, sign, webhook_app
from vitforge.errors import VitforgeError

BODY = b'{"entity":"model_version_alias"}'
NOW = 1_700_000_000.0


def headers(delivery="d1", timestamp=str(int(NOW)), signature=None, secret="s"):
    return {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": timestamp,
        "X-MLflow-Signature": signature or sign(secret, delivery, timestamp, BODY),
    }


def test_the_signature_is_mlflows() -> None:
    """Against MLflow's own signer where it can be had, and by hand."""
    from mlflow.webhooks.delivery import _generate_hmac_signature

    by_hand = hmac.new(b"s", b"d1.17." + BODY, hashlib.sha256).digest()
    assert sign("s", "d1", "17", BODY) == f"v1,{base64.b64encode(by_hand).decode()}"
    theirs = _generate_hmac_signature("s", "d1", "17", BODY.decode())
    assert sign("s", "d1", "17", BODY) == theirs


def test_a_delivery_counts_once() -> None:
    deliveries = Deliveries("s", now=lambda: NOW)
    assert deliveries.accept(headers(), BODY) is True
    assert deliveries.accept(headers(), BODY) is False
    assert deliveries.accept(headers("d2"), BODY) is True


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (headers(secret="guessed"), "signature"),
        (headers(signature="v1,ü"), "signature"),
        (headers(timestamp=str(int(NOW) - 301)), "too old"),
        (headers(timestamp="nan"), "too old"),
        ({}, "signature"),
    ],
)
def test_forged_and_old_deliveries_are_refused(bad, why) -> None:
    with pytest.raises(VitforgeError, match=why):
        Deliveries("s", now=lambda: NOW).accept(bad, BODY)


def test_the_route_wakes_for_new_deliveries_only() -> None:
    from starlette.testclient import TestClient

    woken = []
    app = webhook_app(Deliveries("s", now=lambda: NOW), lambda: woken.append(1))
    client = TestClient(app)
    statuses = [
        client.post("/", content=BODY, headers=headers()).status_code,
        client.post("/", content=BODY, headers=headers()).status_code,
        client.post("/", content=BODY, headers=headers(secret="x")).status_code,
        client.post("/", content=b"x" * 70_000, headers=headers()).status_code,
        client.post("/", content=BODY, headers=headers(timestamp="soon")).status_code,
    ]
    assert statuses == [200, 200, 401, 413, 401]
    assert len(woken) == 1
