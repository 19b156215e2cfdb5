import asyncio

import pytest

from vitforge.serving.guard import RequestGuard


def ask(chunks, limit=10, headers=()):
    """Status that the guard, or the application behind it, answers."""
    received, sent = [], []

    async def application(scope, receive, send):
        more = True
        while more:
            message = await receive()
            received.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    left = [
        {"type": "http.request", "body": chunk, "more_body": i < len(chunks) - 1}
        for i, chunk in enumerate(chunks)
    ]

    async def receive():
        assert left, "the guard waits for a message that never comes"
        return left.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": list(headers)}
    asyncio.run(RequestGuard(application, limit)(scope, receive, send))
    return sent[0]["status"], b"".join(received), left


def test_a_body_at_the_limit_reaches_the_application_whole():
    assert ask([b"12345", b"67890"]) == (200, b"1234567890", [])


@pytest.mark.parametrize(
    "chunks", [[b"12345678901"], [b"12345", b"678901"], [b"123456789012", b"3", b"4"]]
)
def test_a_larger_one_is_read_to_its_end_and_refused(chunks):
    assert ask(chunks) == (413, b"", [])


def test_a_declared_length_is_believed():
    assert ask([b"1"], headers=[(b"content-length", b"11")]) == (413, b"", [])


def test_reading_a_refused_body_has_an_end(monkeypatch):
    monkeypatch.setattr("vitforge.serving.guard.DRAINED", 20)
    status, _, left = ask([b"1" * 11] * 50)
    assert status == 413 and len(left) > 40
