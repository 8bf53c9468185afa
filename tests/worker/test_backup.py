"""Backups: of a service that runs, whole, for either kind of database; and what is refused on the way back."""

import io
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import zstandard

from pipelines.event import Event
from pipelines.records import Artifact
from runner.backend import WorkspaceFile
from tests.private_postgresql import PrivatePostgresql
from tests.waiting import wait_until
from tests.worker.conftest import EVENT, TIME, Service, Story, job, serving, step
from worker.backup.making import make_backup
from worker.backup.manifest import End, Manifest
from worker.backup.restoring import restore
from worker.errors import Conflict, Malformed, ServiceError, Unavailable
from worker.secrets.keyfile import KeyFile
from worker.settings import Settings
from worker.store import repositories, revisions
from worker.store.database import Database, Older
from worker.store.repositories import StoredRepository

CONTENT = b"a wheel"
PATH = "dist/ä wheel"


def tell_run(service: Service, repository: StoredRepository, event: Event = EVENT) -> Story:
    """A run with a log and an artifact, told to its end."""
    story = service.add_run(repository, event)
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.start_step("build", "make")
    story.log("build", "make", 1, "one", "two")
    content = WorkspaceFile(path=PATH, size_bytes=len(CONTENT), content=io.BytesIO(CONTENT))
    kept = service.storage.artifacts(story.run.id).put("build", "make", content)
    artifact = Artifact(
        seq=story.seq + 1,
        time=TIME,
        run=story.run.id,
        job="build",
        step="make",
        path=PATH,
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
    )
    story.keep(artifact)
    story.finish_step("build", "make")
    story.finish_job("build")
    return story


@contextmanager
def load(service: Service, repository: StoredRepository) -> Iterator[list[Story]]:
    """Runs that come, log and end within the block, one after another. Gives those that have ended."""
    told: list[Story] = []
    is_over = threading.Event()

    def tell() -> None:
        while not is_over.is_set():
            told.append(tell_run(service, repository))

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield told
    finally:
        is_over.set()
        thread.join()


def settings_of(directory: Path, database_url: str | None = None) -> Settings:
    return Settings.build({}, data=str(directory), database_url=database_url)


def back_up(service: Service, path: Path, *, with_key: bool = False) -> End:
    return make_backup(service.settings, service.database, path, with_key=with_key)


def assert_run_is_whole(service: Service, run_id: str) -> None:
    run = service.client.get(f"/api/runs/{run_id}").json()
    log = service.client.get(f"/api/runs/{run_id}/jobs/build/steps/make/log").text
    assert run["jobs"][0]["status"] == "success"
    assert log == "one\ntwo\n"
    [artifact] = service.client.get(f"/api/runs/{run_id}/artifacts").json()["artifacts"]
    assert service.client.get(f"/api/artifacts/{artifact['id']}/content").content == CONTENT


def test_every_run_can_be_read_where_a_backup_that_was_made_under_load_is_restored(
    service: Service, tmp_path: Path
) -> None:
    repository = service.add_repository()
    with load(service, repository) as told:
        wait_until(lambda: len(told) > 5, what="some runs have ended")
        ended = [story.run.id for story in told]
        end = back_up(service, tmp_path / "backup")
    assert end.missing == ()
    assert end.runs >= len(ended)
    elsewhere = tmp_path / "elsewhere"
    restore(settings_of(elsewhere), tmp_path / "backup", force=False)
    with serving(elsewhere) as restored:
        for run_id in ended:
            assert_run_is_whole(restored, run_id)
        shown = [run["id"] for run in restored.client.get("/api/runs?limit=200").json()["runs"]]
        assert len(shown) == end.runs
        for run_id in shown:
            assert restored.client.get(f"/api/runs/{run_id}/records?format=jsonl").status_code == 200


def test_backup_of_one_kind_of_database_goes_into_the_other_which_goes_on_counting(
    service: Service, tmp_path: Path, postgresql: PrivatePostgresql
) -> None:
    first = tell_run(service, service.add_repository())
    back_up(service, tmp_path / "backup")
    is_sqlite = service.settings.database_url.startswith("sqlite")
    url = postgresql.new_database() if is_sqlite else None
    restore(settings_of(tmp_path / "elsewhere", url), tmp_path / "backup", force=False)
    with serving(tmp_path / "elsewhere", database_url=url) as restored:
        assert_run_is_whole(restored, first.run.id)
        other = restored.add_repository(name="other")
        assert tell_run(restored, other).run.number == 1


def test_backup_of_older_tables_is_restored_for_the_server_to_bring_up_to_date(tmp_path: Path) -> None:
    columns = [
        "id",
        "owner",
        "name",
        "forge",
        "clone_url",
        "url",
        "default_branch",
        "secret",
        "last_number",
        "created_at",
    ]
    rows = msgspec.msgpack.encode((columns, ((1, "acme", "web", "git", "/srv/web.git", "", "", "s", 0, TIME),)))
    archive = made(tmp_path, ("database/repositories/00000000", rows), revision=revisions.FIRST, rows=1)
    settings = settings_of(tmp_path / "elsewhere")
    restore(settings, archive, force=False)
    with pytest.raises(Conflict, match="of an older Headrace"):
        Database(settings.database_url)
    with closing(Database(settings.database_url, older=Older.UPGRADE)) as database, database.read() as connection:
        assert [repository.full_name for repository in repositories.every(connection)] == ["acme/web"]


def test_backup_is_for_its_owner_alone_and_never_written_over(service: Service, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(service, backup)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    before = backup.read_bytes()
    with pytest.raises(Conflict, match="is there already"):
        back_up(service, backup)
    assert backup.read_bytes() == before
    with pytest.raises(Unavailable, match="can't write the backup"):
        back_up(service, tmp_path / "nowhere" / "backup")


def test_key_is_in_a_backup_only_if_it_is_asked_for(service: Service, tmp_path: Path) -> None:
    KeyFile(service.settings.secret_key_file).make()
    key = service.settings.secret_key_file.read_bytes()
    for name, with_key in (("without", False), ("with", True)):
        back_up(service, tmp_path / f"{name}.backup", with_key=with_key)
        restored = restore(settings_of(tmp_path / name), tmp_path / f"{name}.backup", force=False)
        assert restored.manifest.has_key is with_key
    assert not (tmp_path / "without" / "secret.key").exists()
    assert (tmp_path / "with" / "secret.key").read_bytes() == key
    assert KeyFile(tmp_path / "with" / "secret.key").read()


def test_artifact_that_is_gone_is_named(service: Service, tmp_path: Path) -> None:
    story = tell_run(service, service.add_repository())
    [kept] = service.storage.artifacts(story.run.id).list()
    [file] = (service.settings.runs_directory / story.run.id / "artifacts").rglob("ä wheel")
    file.unlink()
    end = back_up(service, tmp_path / "backup")
    assert end.missing == (f"runs/{story.run.id}/artifacts/build/make/{kept.path}",)


def test_link_in_a_run_s_directory_is_not_followed(service: Service, tmp_path: Path) -> None:
    story = tell_run(service, service.add_repository())
    (tmp_path / "private").write_text("canary")
    (service.settings.runs_directory / story.run.id / "logs" / "link").symlink_to(tmp_path / "private")
    back_up(service, tmp_path / "backup")
    assert b"canary" not in zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "backup").read_bytes())


def test_directory_that_is_not_empty_is_left_alone_or_moved_aside(service: Service, tmp_path: Path) -> None:
    story = tell_run(service, service.add_repository())
    back_up(service, tmp_path / "backup")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "headrace.sqlite").write_text("of before")
    with pytest.raises(Conflict, match=r"is not empty.*--force"):
        restore(settings_of(elsewhere), tmp_path / "backup", force=False)
    assert (elsewhere / "headrace.sqlite").read_text() == "of before"
    aside = restore(settings_of(elsewhere), tmp_path / "backup", force=True).aside
    assert aside
    assert (aside / "headrace.sqlite").read_text() == "of before"
    with serving(elsewhere) as restored:
        assert_run_is_whole(restored, story.run.id)


def test_database_that_is_not_empty_is_left_alone(service: Service, tmp_path: Path) -> None:
    tell_run(service, service.add_repository())
    back_up(service, tmp_path / "backup")
    with pytest.raises(Conflict, match="runs in it already"):
        restore(settings_of(tmp_path / "elsewhere", service.settings.database_url), tmp_path / "backup", force=False)
    assert service.count("runs") == 1


Members = tuple[tarfile.TarInfo | str, bytes]


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made_up = tarfile.TarInfo(name)
    made_up.type = kind
    made_up.linkname = target
    return made_up


def made(
    directory: Path, *found: Members, revision: str | None = None, v: int = 1, rows: int = 0, files: int = 0
) -> Path:
    """A backup as somebody else has made it."""
    manifest = Manifest(v=v, program="9", made_at=TIME, revision=revision or revisions.newest(), has_key=False)
    end = End(runs=0, rows=rows, files=files, size_bytes=0, missing=())
    path = directory / "made.backup"
    members = [("manifest.json", msgspec.json.encode(manifest)), *found, ("end.json", msgspec.json.encode(end))]
    with (
        path.open("wb") as file,
        zstandard.ZstdCompressor().stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        for what, content in members:
            info = tarfile.TarInfo(what) if isinstance(what, str) else what
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


RUN = f"runs/{'0' * 26}"
HOSTILE: list[Members] = [
    (f"{RUN}/../../../outside", b"x"),
    (f"{RUN}/./x", b"x"),
    (f"{RUN}//x", b"x"),
    ("/etc/outside", b"x"),
    ("../outside", b"x"),
    ("runs/short/x", b"x"),
    ("headrace.sqlite", b"x"),
    (entry(f"{RUN}/link", tarfile.SYMTYPE, "/etc/passwd"), b""),
    (entry(f"{RUN}/link", tarfile.LNKTYPE, "/etc/passwd"), b""),
    (entry(f"{RUN}/device", tarfile.CHRTYPE), b""),
    (entry(f"{RUN}/pipe", tarfile.FIFOTYPE), b""),
    ("database/alembic_version/00000000", msgspec.msgpack.encode((("version_num",), (("9999",),)))),
    ("database/nothing/00000000", msgspec.msgpack.encode(((), ()))),
    ("database/runs/00000000", b"\xc1"),
    ("database/runs/00000000", msgspec.msgpack.encode((("id); DROP TABLE runs",), (("x",),)))),
    ("database/runs/00000000", msgspec.msgpack.encode((("id", "status"), (("x",),)))),
    ("manifest.json", b"{}"),
]


@pytest.mark.parametrize("member", HOSTILE, ids=lambda member: str(getattr(member[0], "name", member[0])))
def test_backup_that_holds_what_none_of_ours_does_leaves_nothing(member: Members, tmp_path: Path) -> None:
    directory = tmp_path / "in" / "it"
    with pytest.raises(Malformed):
        restore(settings_of(directory), made(tmp_path, member, files=1, rows=1), force=False)
    assert not (tmp_path / "in").exists()
    assert not list(tmp_path.rglob("outside"))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut_short, changed, emptied])
def test_backup_that_is_damaged_leaves_nothing(harm: Callable[[Path], None], tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        tell_run(service, service.add_repository())
        back_up(service, tmp_path / "backup")
    harm(tmp_path / "backup")
    with pytest.raises(ServiceError):
        restore(settings_of(tmp_path / "elsewhere"), tmp_path / "backup", force=False)
    assert not (tmp_path / "elsewhere").exists()


def test_backup_without_its_end_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="has 1 files and 0 rows, and says 2 and 0"):
        restore(settings_of(tmp_path / "a"), made(tmp_path, (f"{RUN}/logs/x", b"x"), files=2), force=False)
    assert not (tmp_path / "a").exists()


def test_backup_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="newer Headrace"):
        restore(settings_of(tmp_path / "a"), made(tmp_path, revision="9999"), force=False)
    with pytest.raises(Conflict, match="newer Headrace"):
        restore(settings_of(tmp_path / "b"), made(tmp_path, v=2), force=False)
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_restore_that_fails_leaves_what_was_there_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "headrace.sqlite").write_text("of before")
    (data / "service.lock").touch()
    short = made(tmp_path, ("secret.key", b"key"), (f"{RUN}/logs/x", b"x"), files=2)
    settings = replace(settings_of(data), secret_key_file=tmp_path / "keys" / "secret.key")
    with pytest.raises(Malformed):
        restore(settings, short, force=True)
    assert {path.name for path in data.iterdir()} == {"headrace.sqlite", "service.lock"}
    assert (data / "headrace.sqlite").read_text() == "of before"
    assert not (tmp_path / "keys").exists()
