"""What is sealed opens with its key, at its place, unchanged; and nowhere else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Unsealable
from worker.secrets.sealing import GivenKeys, Key, Keyring, key_of

KEYRING = Keyring.fresh()


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_what_is_sealed_opens_at_its_place(value: str, place: str) -> None:
    assert KEYRING.open(KEYRING.seal(value, place=place), place=place) == value


def test_value_that_is_moved_to_another_place_does_not_open() -> None:
    sealed = KEYRING.seal("s3cr3t", place="secrets/secret/repository:acme/web/token")
    with pytest.raises(Unsealable, match="changed, or belongs elsewhere"):
        KEYRING.open(sealed, place="secrets/secret/repository:evil/web/token")


def test_same_value_is_never_sealed_alike() -> None:
    assert len({KEYRING.seal("s3cr3t", place="x") for _ in range(100)}) == 100


def test_every_changed_character_is_noticed() -> None:
    sealed = KEYRING.seal("s3cr3t", place="x")
    start = sealed.rindex(".") + 1
    for index in range(start, len(sealed)):
        other = "A" if sealed[index] != "A" else "_"  # all bits differ: the last character has some that don't count
        with pytest.raises(Unsealable):
            KEYRING.open(sealed[:index] + other + sealed[index + 1 :], place="x")


@pytest.mark.parametrize("sealed", ["", "s3cr3t", "v1.abc", "v2.00000000.AAAA", "v1.00000000.", "v1.00000000.ß"])
def test_what_was_not_sealed_is_refused_without_being_told(sealed: str) -> None:
    with pytest.raises(Unsealable) as refused:
        KEYRING.open(sealed, place="the place")
    assert "the place" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_sealed_text_holds_nothing_of_the_value() -> None:
    sealed = KEYRING.seal("s3cr3t-value", place="x")
    body = base64.urlsafe_b64decode(sealed.rpartition(".")[2])
    assert b"s3cr3t" not in body
    assert "s3cr3t" not in sealed


def test_first_key_seals_and_all_open() -> None:
    old, new = Key.fresh(), Key.fresh()
    before = Keyring(GivenKeys((old,))).seal("s3cr3t", place="x")
    both = Keyring(GivenKeys((new, old)))
    assert both.open(before, place="x") == "s3cr3t"
    assert key_of(both.seal("s3cr3t", place="x")) == new.id
    with pytest.raises(Unsealable, match=f"needs the key '{old.id}', which is not here"):
        Keyring(GivenKeys((new,))).open(before, place="x")


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(Unsealable, match="no key"):
        Keyring(GivenKeys(())).seal("s3cr3t", place="x")


def test_key_never_shows_when_it_is_printed() -> None:
    key = Key.fresh()
    assert key.as_text() not in repr(key)
    assert str(key.material) not in repr(key)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_key_is_read_from_either_base64(encode: object) -> None:
    material = bytes(range(224, 256))
    assert callable(encode)
    text = encode(material).decode()
    assert Key.parse(text) == Key.parse(text.rstrip("=")) == Key(material)


@pytest.mark.parametrize("text", ["", "abc", "A" * 44, "é" * 43, base64.b64encode(bytes(31)).decode()])
def test_what_is_no_key_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(ValueError, match="a key is 32 random bytes in base64") as refused:
        Key.parse(text)
    assert not text or text not in str(refused.value)
