"""How fast webhooks are answered: signed pushes of every forge, sent at a steady rate to a server of our own.

    python bench/hooks.py [--rate 200] [--seconds 10] [--connections 8] [--forge NAME]... [--json]

Open loop: each delivery has its moment, and its latency counts from that moment on, so a server that falls behind can't
hide it. The server (`headrace server`, its database on disk) runs in a process of its own, this client in another.
Redis is not needed to answer, and there is none here. The forges take turns, each with a repository of its own; bodies
are those of the tests, with twenty commits. `--forge github` alone is what the first figures were measured with.
"""

import argparse
import asyncio
import base64
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
from typing import Any

PAYLOADS = Path(__file__).parents[1] / "tests" / "worker" / "forges" / "payloads"
FORGES = ("github", "gitlab", "gitea", "forgejo", "bitbucket", "git")


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as directory:
        url, port = _free_address()
        secrets = {forge: _add_repository(directory, url, forge) for forge in options.forge or FORGES}
        server = _start_server(directory, url, port)
        try:
            latencies = asyncio.run(send(port, secrets, options.rate, options.seconds, options.connections))
        finally:
            server.terminate()
            server.wait(20)
    _print(latencies, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--forge", action="append", choices=FORGES, help="just this one; may be given often")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}", port


def _headrace(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "runner.cli", *arguments]


def _add_repository(directory: str, url: str, forge: str) -> str:
    command = _headrace(
        *("repo", "add", f"acme/{forge}", "--forge", forge, "--clone-url", "https://example.org/acme/web.git"),
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


async def send(port: int, secrets: dict[str, str], rate: int, seconds: int, connections: int) -> list[float]:
    """The latencies in milliseconds of `rate * seconds` deliveries."""
    turns = list(secrets.items())
    deliveries = [_request(*turns[number % len(turns)], number) for number in range(rate * seconds)]
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


def _request(forge: str, secret: str, number: int) -> bytes:
    body = _body(forge, number)
    headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (headers | _proof(forge, secret, body, f"{number}")).items()]
    return "\r\n".join([f"POST /hooks/{forge}/acme/{forge} HTTP/1.1", *lines, "", ""]).encode() + body


def _body(forge: str, number: int) -> bytes:
    source = "gitea" if forge == "forgejo" else forge
    values: dict[str, Any] = json.loads((PAYLOADS / source / "push.json").read_bytes())
    sha = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
    if forge == "bitbucket":
        values["push"]["changes"][0]["new"]["target"]["hash"] = sha
    else:
        values["after"] = sha
    commit = {"id": sha, "message": f"change {number} {'x' * 100}", "added": [], "modified": ["a", "b"]}
    return json.dumps(values | ({} if forge == "git" else {"commits": [commit] * 20})).encode()


def _proof(forge: str, secret: str, body: bytes, key: str) -> dict[str, str]:
    """Each forge's headers, GitLab with its signature. All are HMAC-SHA256."""
    if forge in ("gitlab", "git"):
        moment = str(int(time.time()))
        signed = b".".join([key.encode(), moment.encode(), body])
        signature = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        own = {"webhook-id": key, "webhook-timestamp": moment, "webhook-signature": f"v1,{signature}"}
        return own | {"X-Gitlab-Event": "Push Hook"}
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if forge == "github":
        return {"X-GitHub-Event": "push", "X-GitHub-Delivery": key, "X-Hub-Signature-256": f"sha256={digest}"}
    if forge == "bitbucket":
        return {"X-Event-Key": "repo:push", "X-Request-UUID": key, "X-Hub-Signature": f"sha256={digest}"}
    brand = forge.capitalize()
    return {f"X-{brand}-Event": "push", f"X-{brand}-Delivery": key, f"X-{brand}-Signature": digest}


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
