"""The page of all settings, docs/settings.md, made of the table."""

from collections.abc import Iterator

from runner.settings.setting import Area, Setting
from runner.settings.source import FILE, FILE_VARIABLE
from runner.settings.table import TABLE

_HEAD = f"""# Settings

Made of `runner/settings/table.py` by `make docs`. Each setting may stand in three places; the first of them counts:

1. on the command line, where it has an option;
2. in the environment, as its variable; an empty one counts as none;
3. in a file, `{FILE}` or the one that `{FILE_VARIABLE}` names, as its key:

```toml
data = "/var/lib/headrace"
url = "https://ci.example.org"
retention = "runs=365d logs=90d"
privileged_plugins = ["woodpeckerci/plugin-docker-buildx"]
```

A value that can't be used ends the command with one line, which names the place, the value and what is expected. A file
with a password or a key in it must not be readable by everybody.
"""
_COLUMNS = "| key | variable | option | default | meaning, and what is expected |\n|---|---|---|---|---|\n"
_ENGINE = """
Which container engine is used is said as for `docker` itself: `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, ….
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_chapter(area) for area in Area) + _ENGINE


def _chapter(area: Area) -> str:
    rows = "".join(_row(setting) for setting in TABLE if setting.area is area)
    title = area.value[0].upper() + area.value[1:]
    return f"\n## {title}\n\n{_COLUMNS}{rows}"


def _row(setting: Setting) -> str:
    return f"| {' | '.join(_cells(setting))} |\n"


def _cells(setting: Setting) -> Iterator[str]:
    yield f"`{setting.name}`"
    yield f"`{setting.variable}`"
    yield f"`{setting.option}`" if setting.option else "none"
    yield setting.shown or (f"`{setting.default}`" if setting.default else "none")
    yield f"{setting.meaning}. {setting.expected[0].upper()}{setting.expected[1:]}"
