"""What is there to deploy with: systemd takes the units without a word, and the file of settings is one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from worker.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAM = "/opt/headrace/bin/headrace"
UNITS = sorted((DEPLOY / "systemd").iterdir())


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path, tmp_path: Path) -> None:
    """Its program is not installed here: another that is stands for it, and units of others stand for themselves."""
    copy = tmp_path / unit.name.replace("@.", "@1.")
    copy.write_text(unit.read_text().replace(PROGRAM, sys.executable))
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
    assert all("KillMode=mixed" in unit.read_text() for unit in UNITS)


def test_example_of_the_settings_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.touch(mode=0o640)
    file.write_text((DEPLOY / "headrace.toml").read_text())
    settings = Settings.build({"HEADRACE_CONFIG": str(file)})
    assert settings.url == "https://ci.example.org"
    assert settings.retention.logs_days == 180
