import asyncio
import json

import pytest

from maskwright.serve.guard import Guard
from maskwright.serve.limits import Limits


async def reads_all(scope, receive, send):
    """Answer 200 with the number of bytes that came."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def asked(guard, pieces, pause=0.0, headers=()):
    """Send a body in pieces, with a pause before each; return status and body of the answer."""
    return asyncio.run(_asked(guard, pieces, pause, headers))


async def _asked(guard, pieces, pause, headers):
    coming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        await asyncio.sleep(pause)
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/predict", "headers": [(b"host", b"127.0.0.1"), *headers]}
    await guard(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def guard_with(**limits):
    return Guard(reads_all, token=None, limits=Limits(**limits), open_paths=frozenset())


def test_a_body_within_limits_reaches_the_application_whole():
    assert asked(guard_with(bytes=100), [b"x" * 60, b"y" * 40]) == (200, b"100")


@pytest.mark.parametrize("limits, pause, status", [
    ({"bytes": 99}, 0, 413), ({"seconds": 0.05}, 0.03, 408),
])  # fmt: skip
def test_a_body_that_is_too_large_or_too_slow_is_answered_before_its_end(limits, pause, status):
    guard = guard_with(**limits)
    answered, body = asked(guard, [b"x" * 20] * 5, pause)
    assert answered == status
    assert json.loads(body)["error"]["what"]
    assert asked(guard, [b"x" * 20]) == (200, b"20")  # nothing of the other is held


def test_bodies_are_counted_together_while_they_are_under_way():
    guard = guard_with(held=150, bytes=120)

    async def two():
        return await asyncio.gather(*(_asked(guard, [b"x" * 50] * 2, 0.01, ()) for _ in range(2)))

    assert sorted(status for status, _ in asyncio.run(two())) == [200, 429]
