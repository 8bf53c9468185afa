"""What is there to deploy with: systemd takes the units without a word, and the file of settings is one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.settings.table import BY_NAME
from worker.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAM = "/opt/headrace/bin/headrace"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path, tmp_path: Path) -> None:
    """Its program is not installed here: another that is stands for it, and units of others stand for themselves."""
    for each in UNITS:
        (tmp_path / each.name.replace("@.", "@1.")).write_text(each.read_text().replace(PROGRAM, sys.executable))
    copy = tmp_path / unit.name.replace("@.", "@1.")
    for other in ("docker", "redis-server", "postgresql"):
        (tmp_path / f"{other}.service").write_text(f"[Service]\nExecStart={sys.executable}\n")
    assert verified(copy) == ""


def test_something_wrong_with_a_unit_is_noticed(tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    broken = tmp_path / "broken.service"
    broken.write_text(f"[Service]\nExecStart={sys.executable}\nProtectSystm=strict\n")
    assert "ProtectSystm" in verified(broken)


def verified(unit: Path) -> str:
    """What `systemd-analyze verify` has to say."""
    assert shutil.which("systemd-analyze"), "`make test` installs systemd"
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{unit.parent}:", "PATH": "/usr/bin:/bin"},
        check=False,
        timeout=60,
    )
    return "\n".join(line for line in done.stderr.splitlines() if unit.name in line)


def test_worker_s_job_is_told_of_the_end_by_the_worker_alone() -> None:
    """With any other mode systemd would send the signal to the job's process, too, and so stop what is to end."""
    assert all("KillMode=mixed" in unit.read_text() for unit in SERVICES)


def test_services_are_begun_once_they_are_ready() -> None:
    """So that what comes next in the guide, or in another unit, finds them at work."""
    assert all("Type=notify" in unit.read_text() for unit in SERVICES)


def test_socket_listens_where_the_server_would_by_itself() -> None:
    [socket] = [unit for unit in UNITS if unit.suffix == ".socket"]
    assert f"ListenStream={BY_NAME['listen'].default}\n" in socket.read_text()


def test_workers_that_end_with_the_engine_come_back_with_it() -> None:
    """`Requires=` alone ends them when the engine's package is updated, and nothing starts them again."""
    worker = next(unit for unit in SERVICES if "worker" in unit.name).read_text()
    assert "Requires=docker.service\n" in worker
    assert "WantedBy=multi-user.target docker.service\n" in worker


def test_example_of_the_settings_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.touch(mode=0o640)
    file.write_text((DEPLOY / "headrace.toml").read_text())
    settings = Settings.build({"HEADRACE_CONFIG": str(file)})
    assert settings.url == "https://ci.example.org"
    assert settings.retention.logs_days == 180
