"""The key file: made once, for its owner's eyes, replaced as a whole."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.errors import SettingsError, Unsealable
from worker.secrets.keyfile import KeyFile, keys_of, open_keyring
from worker.secrets.sealing import GivenKeys, Key, Keyring
from worker.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "data" / "secret.key")


def test_first_seal_makes_the_key_for_its_owner_alone(file: KeyFile) -> None:
    sealed = Keyring(file).seal("x", place="y")
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert Keyring(KeyFile(file.path)).open(sealed, place="y") == "x"
    assert list(file.path.parent.iterdir()) == [file.path], "nothing is left beside it"


def test_to_open_makes_no_key(file: KeyFile) -> None:
    """A worker elsewhere that lacks the key must say so, and not make one of its own."""
    sealed = Keyring.fresh().seal("x", place="y")
    with pytest.raises(Unsealable, match="not here"):
        Keyring(file).open(sealed, place="y")
    assert not file.path.exists()


def test_programs_that_make_it_at_once_agree(file: KeyFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: tuple(file.make()), range(8)))
    assert len(set(made)) == 1


def test_change_of_keys_counts_at_once(file: KeyFile) -> None:
    keyring = Keyring(file)
    before = keyring.seal("x", place="y")
    [old], new = file.read(), Key.fresh()
    file.replace([new, old])
    assert keyring.sealing_key() == new
    assert keyring.open(before, place="y") == "x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_file_that_others_may_touch_is_refused(file: KeyFile, mode: int) -> None:
    file.make()
    file.path.chmod(mode)
    with pytest.raises(SettingsError, match="open to others: chmod 600"):
        file.read()


@pytest.mark.parametrize("content", [b"not a key\n", b"\xff\xfe", b"AAAA"])
def test_file_that_holds_something_else_is_refused_without_a_word_of_it(file: KeyFile, content: bytes) -> None:
    file.make()
    file.path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        file.read()
    assert str(file.path) in str(refused.value)
    assert "AAAA" not in str(refused.value)
    assert "not a key" not in str(refused.value)


def test_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=f"key file {tmp_path}/file/secret.key can't be"):
        KeyFile(tmp_path / "file" / "secret.key").make()


def test_key_of_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    first, second = Key.fresh(), Key.fresh()
    settings = Settings.build({"HEADRACE_SECRET_KEY": f"{first.as_text()}, {second.as_text()}"}, data=str(tmp_path))
    assert keys_of(settings) == GivenKeys((first, second))
    open_keyring(settings).seal("x", place="y")
    assert list(tmp_path.iterdir()) == []
    assert first.as_text() not in repr(settings)


def test_broken_key_of_the_environment_is_refused_without_being_told(tmp_path: Path) -> None:
    settings = Settings.build({"HEADRACE_SECRET_KEY": "hunter2"}, data=str(tmp_path))
    with pytest.raises(SettingsError, match="HEADRACE_SECRET_KEY holds something that is no key") as refused:
        keys_of(settings)
    assert "hunter2" not in str(refused.value)


def test_file_is_in_the_data_directory_unless_it_is_set(tmp_path: Path) -> None:
    assert keys_of(Settings.build({}, data=str(tmp_path))) == KeyFile(tmp_path / "secret.key")
    elsewhere = Settings.build({"HEADRACE_SECRET_KEY_FILE": "/run/keys/headrace"}, data=str(tmp_path))
    assert keys_of(elsewhere) == KeyFile(Path("/run/keys/headrace"))
