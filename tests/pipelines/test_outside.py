"""What reaches out of a container is right, or a problem that says what to write."""

import pytest

from pipelines.problems import Level
from pipelines.validate import read_workflow

ABSOLUTE = "must name an absolute path of the container, below /"


def problems(key: str, *values: str) -> list[str]:
    owner = "services" if key == "ports" else "steps"
    text = f"steps: {{a: {{image: x}}}}\nservices: {{a: {{image: x, {key}: {list(values)}}}}}\n"
    if owner == "steps":
        text = f"steps: {{a: {{image: x, {key}: {list(values)}}}}}\n"
    found = read_workflow(text.encode(), "a.yaml").problems
    return [each.message for each in found if "is taken" not in each.message]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("volumes", "/a:/b"),
        ("volumes", "/a:/b:ro"),
        ("volumes", "/a:/b:ro,z"),
        ("volumes", "cache.d:/b"),
        ("volumes", "/fresh"),
        ("volumes", "/var/run/docker.sock:/var/run/docker.sock"),
        ("devices", "/dev/kvm"),
        ("devices", "/dev/kvm:/dev/mine:rw"),
        ("tmpfs", "/tmp"),
        ("tmpfs", "/tmp:size=64m,mode=1777,noexec"),
        ("extra_hosts", "db.example.org:192.0.2.7"),
        ("extra_hosts", "db:2001:db8::7"),
        ("extra_hosts", "machine:host-gateway"),
        ("dns", "192.0.2.7"),
        ("dns", "2001:db8::7"),
        ("dns_search", "example.org"),
        ("dns_search", "."),
        ("ports", "5432"),
        ("ports", "53/udp"),
    ],
)
def test_what_an_engine_takes_is_no_problem(key: str, value: str) -> None:
    assert problems(key, value) == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("volumes", "fresh", ABSOLUTE),
        ("volumes", "/", ABSOLUTE),
        ("volumes", "/a:b", ABSOLUTE),
        ("volumes", "/a:/b/..", ABSOLUTE),
        ("volumes", "./a:/b", "must begin with an absolute path of the machine or with the name of a volume"),
        ("volumes", ":/b", "must begin with an absolute path of the machine or with the name of a volume"),
        ("volumes", "headrace-1:/b", "names a volume of Headrace itself: no other's begins with `headrace-`"),
        ("volumes", "/a:/.headrace/x", "can't be at /.headrace, where Headrace has its own"),
        ("volumes", "/a:/b:ro:rw", "has too many colons; write `source:target` or `source:target:ro`"),
        ("devices", "/etc/passwd", "must be a path below /dev, or two with a colon between"),
        ("devices", "/dev/a:/dev/b:x", "may end with permissions, which are letters of `rwm`"),
        ("tmpfs", "tmp", ABSOLUTE),
        ("extra_hosts", "db", "must have an IP address, such as 192.0.2.7"),
        ("extra_hosts", "db example:192.0.2.7", "must be `name:address`"),
        ("extra_hosts", "db:example.org", "must have an IP address, such as 192.0.2.7"),
        ("dns", "example.org", "must have an IP address, such as 192.0.2.7"),
        ("dns_search", "a b", "must be a domain, such as example.org"),
        ("ports", "http", 'must be a port such as 80 or 53/udp, not "http"'),
        ("ports", "70000", 'must be a port such as 80 or 53/udp, not "70000"'),
    ],
)
def test_what_it_would_refuse_is_told_with_what_to_write(key: str, value: str, message: str) -> None:
    [found] = problems(key, value)
    assert found.endswith(message)


def test_options_that_no_engine_knows_are_named() -> None:
    assert "has the option `rx`; there are Z, cached" in problems("volumes", "/a:/b:rx")[0]
    assert "has the option `sise`; there are dev, exec" in problems("tmpfs", "/tmp:sise=1m")[0]


def test_a_text_that_waits_for_a_variable_is_not_judged() -> None:
    text = b"steps: {a: {image: x, volumes: ['${DIRECTORY}:/b'], devices: ['${DEVICE}']}}"
    assert {problem.level for problem in read_workflow(text, "a.yaml").problems} == {Level.WARNING}
