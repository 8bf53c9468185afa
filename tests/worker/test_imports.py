"""What the processes that stay carry with them: memory is mostly imports, and one line at the top of a file is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from worker.supervisor import headrace_command

LIBRARIES = {
    "alembic", "argon2", "docker", "fastapi", "git", "httpx", "jinja2", "lark", "mako", "psycopg", "pygments", "redis",
    "requests", "rich", "rq", "sqlalchemy", "uvicorn", "yaml",
}  # fmt: skip
USED = {
    "up": set[str](),
    "server": {"argon2", "fastapi", "httpx", "jinja2", "redis", "rq", "sqlalchemy", "uvicorn"},
    "worker": {"docker", "git", "lark", "redis", "requests", "rq", "yaml"},
}
IMPORTED = """
import sys
from runner import cli

def tell(_):
    print("imported:", *sorted({name.partition(".")[0] for name, module in sys.modules.items() if module}))

cli._leave = tell
sys.argv = ["headrace", sys.argv[1], "--help"]
cli.main()
"""
OPENED = """
import sys
from worker.store.database import Database

Database(sys.argv[1]).close()
print("imported:", *sys.modules)
"""


def imported(code: str, argument: str) -> set[str]:
    command = [sys.executable, "-P", "-c", code, argument]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", USED)
def test_process_that_stays_imports_what_it_uses_and_nothing_else(command: str) -> None:
    """And a worker imports it before it forks: a horse must not spend its job's time on that."""
    assert imported(IMPORTED, command) & LIBRARIES == USED[command]


def test_database_whose_tables_are_ours_is_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/headrace.sqlite"
    assert "alembic" in imported(OPENED, url), "or else nothing is shown below"
    assert "alembic" not in imported(OPENED, url)


def test_tables_are_made_by_a_process_that_ends(tmp_path: Path) -> None:
    subprocess.run(headrace_command("upgrade", "--data", str(tmp_path)), check=True, capture_output=True)
    assert "alembic" not in imported(OPENED, f"sqlite:///{tmp_path}/headrace.sqlite")
