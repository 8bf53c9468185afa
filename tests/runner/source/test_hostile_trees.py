"""Trees that no decent git makes: refused, or harmless. Git's plumbing writes them where its commands would not."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from pipelines.event import Event, Repository
from runner.errors import SourceError
from runner.source.archive import without_end
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.trees import contents, members


def commit_of(origin: GitRepository, *entries: tuple[str, str, str]) -> Event:
    """A commit of a tree with just these entries, written byte by byte: mode, name, content (for a tree, its id)."""
    tree = b""
    for mode, name, content in entries:
        identifier = content if mode in ("40000", "160000") else stored(origin, "blob", content.encode())
        tree += f"{mode} {name}\0".encode() + bytes.fromhex(identifier)
    return event_of(origin, stored(origin, "tree", tree))


def stored(origin: GitRepository, kind: str, data: bytes) -> str:
    command = ["git", "hash-object", "-w", "--stdin", "--literally", "-t", kind]
    done = subprocess.run(command, cwd=origin.path, input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def event_of(origin: GitRepository, tree: str) -> Event:
    sha = origin.git("commit-tree", tree, "-m", "hostile")
    origin.git("update-ref", "refs/heads/main", sha)
    return Event(repository=Repository(clone_url=str(origin.path)), sha=sha, ref="refs/heads/main", branch="main")


def checked_out(tmp_path: Path, event: Event, settings: CloneSettings | None = None) -> list[bytes]:
    return list(commit_tree(fetched(tmp_path / "mirrors", event), settings or CloneSettings()))


@pytest.mark.parametrize("name", [".git", ".GIT", ".g\u200cit", "git~1", "..", "."])
@pytest.mark.parametrize("mode", ["120000", "100644"])
def test_nothing_is_named_like_git_s_own_directory(origin: GitRepository, tmp_path: Path, name: str, mode: str) -> None:
    """Neither a link nor a file, also as file systems that fold case or ignore characters see it."""
    with pytest.raises(SourceError, match="invalid path"):
        checked_out(tmp_path, commit_of(origin, (mode, name, "/tmp")))


def test_gitmodules_that_is_a_link_is_refused(origin: GitRepository, tmp_path: Path) -> None:
    event = commit_of(origin, ("120000", ".gitmodules", "/etc/passwd"))
    with pytest.raises(SourceError, match=r"invalid path '\.gitmodules'"):
        checked_out(tmp_path, event, CloneSettings(submodules=True))


@pytest.mark.parametrize("settings", [CloneSettings(), CloneSettings(submodules=True)])
def test_nothing_is_written_through_a_link(origin: GitRepository, tmp_path: Path, settings: CloneSettings) -> None:
    """A directory and a link of one name: whoever unpacks them may follow the link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = stored(origin, "tree", b"100644 file\0" + bytes.fromhex(stored(origin, "blob", b"x")))
    event = commit_of(origin, ("120000", "a", str(outside)), ("40000", "a", inner))
    with pytest.raises(SourceError, match="malformed: two of its entries have one name"):
        checked_out(tmp_path, event, settings)
    assert list(outside.iterdir()) == []


def test_submodule_behind_a_link_is_not_followed(origin: GitRepository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    entry = '[submodule "it"]\n\tpath = a/lib\n\turl = https://127.0.0.1:1/x\n'
    event = commit_of(origin, ("100644", ".gitmodules", entry), ("120000", "a", str(outside)))
    files = contents(checked_out(tmp_path, event, CloneSettings(submodules=True)))
    assert ".gitmodules" in files
    assert list(outside.iterdir()) == []


def test_filters_that_attributes_name_never_run(
    origin: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the user has them configured, as everyone has who installed git-lfs."""
    canary = tmp_path / "canary"
    home = tmp_path / "home"
    home.mkdir()
    evil = f"touch {canary}; cat"
    (home / ".gitconfig").write_text(f'[filter "lfs"]\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n')
    monkeypatch.setenv("HOME", str(home))
    event = commit_of(origin, ("100644", ".gitattributes", "* filter=lfs merge=x diff=x\n"), ("100644", "file", "text"))
    assert contents(checked_out(tmp_path, event))["file"] == b"text"
    assert not canary.exists()


def test_paths_of_any_length_come_whole_or_are_refused(origin: GitRepository, tmp_path: Path) -> None:
    tree = stored(origin, "tree", b"100644 file\0" + bytes.fromhex(stored(origin, "blob", b"deep")))
    name = "d" * 200
    for _ in range(15):
        tree = stored(origin, "tree", f"40000 {name}\0".encode() + bytes.fromhex(tree))
    files = contents(checked_out(tmp_path, event_of(origin, tree)))
    assert files["/".join([name] * 15 + ["file"])] == b"deep"
    for _ in range(10):
        tree = stored(origin, "tree", f"40000 {name}\0".encode() + bytes.fromhex(tree))
    with pytest.raises(SourceError, match="has a path of 5029 bytes: at most 3800 are taken"):
        checked_out(tmp_path, event_of(origin, tree))


def test_attributes_leave_out_or_rewrite_nothing(origin: GitRepository, tmp_path: Path) -> None:
    """Those that are about archives, not checkouts."""
    attributes = "* export-ignore\nfile -export-ignore export-subst\n"
    event = commit_of(
        origin, ("100644", ".gitattributes", attributes), ("100644", "file", "$Format:%H$"), ("100644", "g", "")
    )
    files = contents(checked_out(tmp_path, event))
    assert (files["file"], files["g"], files[".gitattributes"]) == (b"$Format:%H$", b"", attributes.encode())


@pytest.mark.parametrize(
    ("mode", "seen"), [("100644", 0o666), ("100755", 0o777), ("104755", 0o777), ("100666", 0o666), ("106644", 0o666)]
)
def test_no_mode_but_executable_survives(origin: GitRepository, tmp_path: Path, mode: str, seen: int) -> None:
    """A set-user-id bit in a tree is nothing that git or we pass on."""
    assert members(checked_out(tmp_path, commit_of(origin, (mode, "file", "x"))))["file"].mode == seen


def test_names_that_differ_in_case_alone_are_two_files(origin: GitRepository, tmp_path: Path) -> None:
    """On a file system that folds case one would lie in the place of the other; the engine's does not."""
    event = commit_of(origin, ("100644", "Readme", "A"), ("120000", "readme", "/etc/passwd"))
    tree = checked_out(tmp_path, event)
    assert contents(tree)["Readme"] == b"A"
    assert members(tree)["readme"].linkname == "/etc/passwd"


def test_names_of_any_bytes_are_just_names(origin: GitRepository, tmp_path: Path) -> None:
    names = ("a\nb", "-rf", "\t", "x;touch y", "\x1b]8;;", "'\"`$(touch y)")
    event = commit_of(origin, *sorted(("100644", name, name) for name in names))
    files = contents(checked_out(tmp_path, event))
    assert {name: files[name] for name in names} == {name: name.encode() for name in names}


def test_link_out_of_the_tree_stays_a_link(origin: GitRepository, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    event = commit_of(origin, ("120000", "absolute", str(secret)), ("120000", "up", "../../../../etc/passwd"))
    tree = checked_out(tmp_path, event)
    found = members(tree)
    assert (found["absolute"].linkname, found["up"].linkname) == (str(secret), "../../../../etc/passwd")
    assert b"canary" not in b"".join(tree)


def test_few_objects_that_stand_for_billions_of_files_are_refused(origin: GitRepository, tmp_path: Path) -> None:
    """Ten directories that are one, ten levels deep: 10,000,000,000 files in eleven objects."""
    tree = stored(origin, "tree", b"100644 file\0" + bytes.fromhex(stored(origin, "blob", b"x")))
    for _ in range(10):
        tree = stored(origin, "tree", b"".join(f"40000 {name}\0".encode() + bytes.fromhex(tree) for name in range(10)))
    with pytest.raises(SourceError, match="has more than 1,000,000 files: no more are taken"):
        checked_out(tmp_path, event_of(origin, tree))


def test_repository_within_the_tree_is_only_files(origin: GitRepository, tmp_path: Path) -> None:
    """One without `.git` (a bare one): whoever ran git there would obey its configuration, so nobody does."""
    canary = tmp_path / "canary"
    origin.write("bare/HEAD", "ref: refs/heads/main\n")
    origin.write("bare/refs/x", "")
    origin.write("bare/objects/x", "")
    origin.write("bare/config", f"[core]\n\tbare = true\n\tfsmonitor = touch {canary}\n")
    origin.write("bare/hooks/post-checkout", f"#!/bin/sh\ntouch {canary}\n").chmod(0o755)
    sha = origin.commit()
    event = Event(repository=Repository(clone_url=str(origin.path)), sha=sha, ref="refs/heads/main")
    files = contents(checked_out(tmp_path, event))
    assert {"bare/config", "bare/hooks/post-checkout"} <= files.keys()
    assert not canary.exists()


def test_configuration_of_the_origin_never_counts(origin: GitRepository, tmp_path: Path) -> None:
    """Of one on this machine's disk: what it would have run for its owner does not run for us."""
    canary = tmp_path / "canary"
    for key in ("core.sshCommand", "core.alternateRefsCommand", "diff.external", "core.pager"):
        origin.git("config", key, f"touch {canary}")
    event = commit_of(origin, ("100644", "file", "x"))
    assert contents(checked_out(tmp_path, event))["file"] == b"x"
    assert not canary.exists()


def test_file_larger_than_an_archive_can_tell_is_refused() -> None:
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    header[257:262] = b"\0" * 5
    with pytest.raises(SourceError, match="a file of 8 GiB or more"):
        list(without_end([bytes(header)]))


@pytest.mark.parametrize("size", [1, 511, 512, 513, 1024, 4096, 10_000])
def test_end_of_an_archive_is_found_however_it_is_cut(size: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {"empty": b"", "zeros": bytes(2048), "odd": b"x" * 700, "last": bytes(1024)}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    whole = buffer.getvalue()
    kept = b"".join(without_end(whole[at : at + size] for at in range(0, len(whole), size)))
    assert contents([kept, bytes(1024)]) == contents([whole])
    assert len(kept) == 4 * 512 + 2048 + 1024 + 1024
