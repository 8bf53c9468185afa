"""Wild: small workflows that nobody would think of, from a seed, and what may happen to those who run them."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("echo one", "echo two"),
    ("sleep 0.3",),
    ("false",),
    ("head -c 3000000 /dev/urandom | od -x",),
    ("yes | head -n 200000",),
    ("trap '' TERM; sleep 2",),
    ("sleep 600 & echo left behind",),
    ("setsid sleep 600 & exit 0",),
    ("sleep 600",),
    ("while :; do echo on; sleep 0.05; done",),
    ("printf 'no end of line'", "exit 3"),
    ("kill -9 $$",),
    ("exec >/dev/null 2>&1; sleep 1",),
    ("touch made; echo made",),
)


def workflow(dice: random.Random, image: str) -> str:
    """One workflow file, in JSON, which is YAML."""
    names = [f"s{number}" for number in range(dice.randint(1, 5))]
    steps = {name: _step(dice, image, names[:place]) for place, name in enumerate(names)}
    whole: dict[str, Any] = {"steps": steps}
    if dice.random() < 0.4:
        whole["services"] = {"db": {"image": image, "commands": dice.choice(["sleep 600", "sleep 0.5", "exit 1"])}}
    if dice.random() < 0.2:
        whole["timeout"] = f"{dice.randint(1, 4)}s"
    return json.dumps(whole)


def _step(dice: random.Random, image: str, earlier: list[str]) -> dict[str, Any]:
    step: dict[str, Any] = {"image": image, "commands": list(dice.choice(COMMANDS))}
    may: Mapping[str, Callable[[], Any]] = {
        "timeout": lambda: f"{dice.randint(1, 3)}s",
        "failure": lambda: dice.choice(["ignore", "fail", "cancel"]),
        "retry": lambda: {"attempts": 2, "delay": "1s"},
        "when": lambda: {"status": dice.choice([["failure"], ["success", "failure"]])},
        "artifacts": lambda: "made",
        "depends_on": lambda: dice.sample(earlier, dice.randint(0, len(earlier))),
        "detach": lambda: True,
    }
    chances = {"timeout": 0.4, "failure": 0.3, "retry": 0.2, "when": 0.2, "artifacts": 0.2, "depends_on": 0.4}
    for key, value in may.items():
        if dice.random() < chances.get(key, 0.05):
            step[key] = value()
    if step.get("detach"):
        step.pop("failure", None)
        step.pop("retry", None)
    return step
