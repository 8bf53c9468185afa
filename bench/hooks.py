"""How fast webhooks are answered: signed GitHub pushes, sent at a steady rate to a server of our own.

    python bench/hooks.py [--rate 200] [--seconds 10] [--connections 8] [--json]

Open loop: each delivery has its moment, and its latency counts from that moment on, so a server that falls behind can't
hide it. The server (`headrace server`, its database on disk) runs in a process of its own, this client in another.
Redis is not needed to answer, and there is none here.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as directory:
        url, port = _free_address()
        secret = _add_repository(directory, url)
        server = _start_server(directory, url, port)
        try:
            latencies = asyncio.run(_send(port, secret, options.rate, options.seconds, options.connections))
        finally:
            server.terminate()
            server.wait(20)
    _print(latencies, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}", port


def _headrace(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "runner.cli", *arguments]


def _add_repository(directory: str, url: str) -> str:
    command = _headrace(
        *("repo", "add", "acme/web", "--forge", "github", "--clone-url", "https://example.org/acme/web.git"),
        *("--data", directory, "--url", url, "--output", "json"),
    )
    added = subprocess.run(command, check=True, capture_output=True)
    secret: str = json.loads(added.stdout)["secret"]
    return secret


def _start_server(directory: str, url: str, port: int) -> "subprocess.Popen[bytes]":
    nowhere = f"unix://{directory}/no-redis.sock"
    command = _headrace("server", "--data", directory, "--listen", url.removeprefix("http://"), "--redis-url", nowhere)
    log = (Path(directory) / "server.log").open("wb")
    server = subprocess.Popen(command, stderr=log)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return server


async def _send(port: int, secret: str, rate: int, seconds: int, connections: int) -> list[float]:
    """The latencies in milliseconds of `rate * seconds` deliveries."""
    deliveries = [_request(secret, number) for number in range(rate * seconds)]
    queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    latencies: list[float] = []
    senders = [asyncio.create_task(_sender(port, queue, latencies)) for _ in range(connections)]
    began = time.perf_counter()
    for number, request in enumerate(deliveries):
        moment = began + number / rate
        await asyncio.sleep(max(0.0, moment - time.perf_counter()))
        queue.put_nowait((moment, request))
    for _ in senders:
        queue.put_nowait(None)
    await asyncio.gather(*senders)
    return latencies


async def _sender(port: int, queue: "asyncio.Queue[tuple[float, bytes] | None]", latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (item := await queue.get()) is not None:
        moment, request = item
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 202 " in head.split(b"\r\n", 1)[0], head
        length = next(int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        latencies.append((time.perf_counter() - moment) * 1000)
    writer.close()


def _request(secret: str, number: int) -> bytes:
    sha = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
    commits = [{"id": sha, "message": f"change {number} {'x' * 100}", "added": [], "modified": ["a", "b"]}] * 20
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": sha,
        "deleted": False,
        "forced": False,
        "head_commit": commits[0] | {"author": {"name": "Ada", "email": "ada@example.org"}},
        "commits": commits,
        "repository": {"id": 1, "name": "web", "full_name": "acme/web", "default_branch": "main"},
        "sender": {"login": "ada"},
    }
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /hooks/github/acme/web HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-GitHub-Event: push\r\nX-GitHub-Delivery: {number}-{sha}\r\nX-Hub-Signature-256: sha256={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _print(latencies: list[float], *, as_json: bool) -> None:
    cut = statistics.quantiles(latencies, n=100)
    figures = {"deliveries": len(latencies), "p50_ms": cut[49], "p95_ms": cut[94], "p99_ms": cut[98]}
    figures["max_ms"] = max(latencies)
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:<12}{figure:>10.1f}")


if __name__ == "__main__":
    main()
