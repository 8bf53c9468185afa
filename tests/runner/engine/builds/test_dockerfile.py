"""What is read out of a Dockerfile before the engine's builder gets it."""

import pytest

from runner.engine.builds.dockerfile import DockerfileError, base_images, check_trigger


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("FROM a:1\n", ("a:1",)),
        ("# a comment\n\nfrom a\nRUN x", ("a",)),
        ("FROM a AS one\nFROM one\nFROM b as Two\nCOPY --from=two /x /y\nCOPY --from=0 /x /y", ("a", "b")),
        ("FROM scratch\nCOPY --chown=1 --from=tools:2 /x /y\nCOPY --from=tools:2 /z /z", ("tools:2",)),
        ("FROM --platform=linux/amd64 a", ("a",)),
        ("FROM \\\n# in between\n  a \\\n  AS one\nFROM one", ("a",)),
        ("# escape=`\nFROM `\n  a", ("a",)),
        ("ARG V=1\nARG W\nFROM a:${V}\nFROM b:${W:-2}\nFROM c${W:+-x}:$V", ("a:1", "b:2", "c:1")),
        ("ARG BASE=a\nARG FULL=${BASE}:1\nFROM $FULL", ("a:1",)),
        ('ARG BASE="a b"\nFROM c', ("c",)),
        ("FROM a\nARG X=b\nRUN echo FROM c", ("a",)),
        ("\ufeffFROM a", ("a",)),
        ("FROM\ta", ("a",)),
    ],
)
def test_base_images_are_found(text: str, images: tuple[str, ...]) -> None:
    assert base_images(text, {}) == images


def test_a_builds_arguments_win_over_defaults() -> None:
    assert base_images("ARG V=1\nARG N\nFROM a:$V\nFROM b:$N", {"V": "2", "N": "3"}) == ("a:2", "b:3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("RUN x", "has no FROM"),
        ("", "has no FROM"),
        ("FROM", "line 1: can't tell which image `FROM ` means"),
        ("\nFROM $NOWHERE", "line 2: can't tell which image `FROM $NOWHERE` means"),
        ("FROM a b", "line 1: can't tell which image `FROM a b` means"),
        ("FROM ${A:?x}", "line 1: can't tell which image `FROM ${A:?x}` means"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        base_images(text, {})
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "line",
    [
        "ADD http://169.254.169.254/latest /x",
        "add --chown=1:1 https://x/y z /w/",
        'ADD ["http://x", "/y"]',
        "ADD $URL /x",
        "ADD http:/$NOTHING/host /x",
        r"ADD htt\p://host /x",
        'ADD "http://host" /x',
        "ADD ht\\\ntp://host /x",
        "ADD git@host:a/b /x",
        "ONBUILD ADD http://host /x",
    ],
)
def test_nothing_is_fetched_from_the_engines_own_machine(line: str) -> None:
    with pytest.raises(DockerfileError, match=r"^line 2: ADD takes files of the context only"):
        base_images(f"FROM a\n{line}\n", {})


def test_files_of_the_context_may_be_added() -> None:
    assert base_images('FROM a\nADD --chown=1 a.tar b/c /x/\nADD ["a b", "/y"]\n', {}) == ("a",)


def test_a_base_image_leaves_no_fetch_to_its_children() -> None:
    check_trigger("RUN make")
    check_trigger("ADD . /src")
    with pytest.raises(DockerfileError, match="ADD takes files"):
        check_trigger("ADD http://host /x")
