"""YAML text becomes nodes with positions, or problems; never an exception."""

import pytest
import yaml

from pipelines.nodes import List, Map, Node, Position, Scalar
from pipelines.reading import document
from pipelines.reading.builder import MAX_DEPTH
from pipelines.reading.document import MAX_BYTES, read_document
from pipelines.report import Report
from pipelines.validate import read_workflow


def read(text: str | bytes) -> Node:
    report = Report("a.yaml")
    node = read_document(text.encode() if isinstance(text, str) else text, report)
    assert report.problems == ()
    assert node is not None
    return node


def complaints(text: str | bytes) -> list[str]:
    report = Report("a.yaml")
    read_document(text.encode() if isinstance(text, str) else text, report)
    return [str(problem) for problem in report.problems]


def plain(node: Node) -> object:
    """The node as lists, dicts and text."""
    match node:
        case Map():
            return {entry.key.text: plain(entry.value) for entry in node.entries}
        case List():
            return [plain(item) for item in node.items]
        case _:
            return node.text


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both of PyYAML's parsers: where it was built without C, ours must answer alike."""
    monkeypatch.setattr(document, "_Loader", getattr(yaml, request.param))
    return str(request.param)


def test_scalars_keep_their_text() -> None:
    assert plain(read("[1.10, yes, 012, 22:22, 1_000, 0x1F, ~]")) == [
        "1.10", "yes", "012", "22:22", "1_000", "0x1F", "~",
    ]  # fmt: skip


def test_tag_of_a_merge_is_known() -> None:
    assert plain(read("a: &a {k: v}\nb: {!!merge <<: *a}")) == {"a": {"k": "v"}, "b": {"k": "v"}}


def test_only_plain_scalars_may_be_null() -> None:
    node = read("[null, ~, 'null', \"\", !!str null, !!null null]")
    assert isinstance(node, List)
    assert [isinstance(item, Scalar) and item.is_null for item in node] == [True, True, False, False, False, True]


def test_nodes_know_line_and_column() -> None:
    node = read("a: 1\nb:\n  - ä: [x]\n")
    assert isinstance(node, Map)
    b = node.get("b")
    assert isinstance(b, List)
    first = b.items[0]
    assert isinstance(first, Map)
    assert b.position == Position(3, 3)
    assert first.entries[0].key.position == Position(3, 5)
    assert first.entries[0].value.position == Position(3, 8)


def test_file_may_be_json() -> None:
    assert plain(read('{"steps": [{"image": "x", "commands": ["a\\nb"]}]}')) == {
        "steps": [{"image": "x", "commands": ["a\nb"]}]
    }


def test_later_definition_of_an_anchor_counts() -> None:
    assert plain(read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")) == {"a": "1", "b": "1", "c": "2", "d": "2"}


def test_merge_gives_way_to_own_keys_and_earlier_sources_win() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  z: 3\n"
    assert plain(read(text)) == {
        "a": {"x": "1", "y": "1"},
        "b": {"y": "2", "z": "2"},
        "c": {"x": "1", "y": "1", "z": "3"},
    }


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("[p, {<<: *s}, q]", ["p", "a", "b", "q"]),
        ("[{<<: [*s, *t]}]", ["a", "b", "c"]),
        ("[{<<: *steps}]", [{"image": "x"}, {"image": "y"}]),
        ("[{<<: [*m, *n]}]", [{"k": "1", "l": "2"}]),
        ("[{<<: *m}]", [{"k": "1"}]),
    ],
)
def test_merge_in_a_list_splices_lists_and_merges_maps(items: str, expected: list[object]) -> None:
    anchors = "s: &s [a, b]\nt: &t [c]\nsteps: &steps [{image: x}, {image: y}]\nm: &m {k: 1}\nn: &n {l: 2}\n"
    node = read(f"{anchors}got: {items}\n")
    assert isinstance(node, Map)
    got = node.get("got")
    assert got is not None
    assert plain(got) == expected


def test_quoted_merge_key_is_an_ordinary_key() -> None:
    assert plain(read("'<<': {a: 1}")) == {"<<": {"a": "1"}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", 'a.yaml:3:1: the key "a" stands here a second time (the first is on line 1)'),
        ("x: {<<: {a: 1}, <<: {b: 1}}", 'a.yaml:1:17: the key "<<" stands here a second time (write `<<: [*a, *b]`)'),
        ("[a]: 1\n", "a.yaml:1:1: a key must be text and found a list"),
        ("a: *b\n", "a.yaml:1:4: *b names nothing (define &b above it)"),
        ("a: &b [*b]\n", "a.yaml:1:8: *b stands inside the very value that &b names"),
        ("s: &s [a]\nx: {<<: *s}\n", "a.yaml:2:4: `<<` takes a map here and found a list"),
        ("x: {<<: a, b: c}", 'a.yaml:1:9: `<<` merges maps and found "a"'),
        ("a: !reference [b]\n", 'a.yaml:1:4: the YAML tag "!reference" is not known here (leave it out)'),
        ("", "a.yaml:1:1: the file is empty (a workflow needs `steps`)"),
        ("# nothing\n---\n", "a.yaml:1:1: the file holds only comments (a workflow needs `steps`)"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document starts here; one file is one workflow"),
        ("a: 1\nb\nc: 2\n", "a.yaml:2:1: not valid YAML: could not find expected ':'"),
        ("a: {tags: ${X}}\n", "put quotes around `${…}`"),
        ("kind: pipeline\n---\nkind: secret\n", "this looks like a Drone file"),
        ('a: "\\0"', 'the text "\\x00" holds a character that no program takes'),
    ],
)
def test_problem_names_the_place_and_what_to_do(text: str, complaint: str, loader: str) -> None:
    assert complaint in complaints(text)[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"a: \xff", "a.yaml:1:4: the text is not UTF-8 (save the file as UTF-8)"),
        (b"a: 1\nb: \x00", "a.yaml:2:4: character U+0000 is not allowed in YAML"),
        ("a: ä\x1b".encode(), "a.yaml:1:5: character U+001B is not allowed in YAML"),
        (b"a:\n\t- b", "indent with spaces, not tabs"),
        (b"a: b: c", "put quotes around a value that holds `: `"),
        (b"a:\n  - b\nc\n  - d: e", "indent a line that goes on with the one above deeper than its key"),
        (b'- echo "Branch: main"\n- echo "a: b  c: d"', "put quotes around a whole command that holds `: `"),
        (b"a: &a x\nb: *a/c", "`*name` stands for a whole value, never for a part of one"),
        (b"a: [1, 2", "a.yaml:1:9: not valid YAML"),
        (b"a: 'half", "not valid YAML"),
        (b"\xfe\xff\x00a", "a.yaml:1:1: the text is not UTF-8"),
        (b"x" * (MAX_BYTES + 1), "a.yaml:1:1: the file has more than 1,048,576 bytes"),
        (b"[" * 500_000, f"a.yaml:1:{MAX_DEPTH + 1}: lists and maps are nested more than {MAX_DEPTH} deep"),
        (b"- " * 500_000, f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_unreadable_text_gives_one_problem(text: bytes, complaint: str, loader: str) -> None:
    (only,) = complaints(text)
    assert complaint in only


def test_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert plain(read(b"\xef\xbb\xbfa: 1")) == {"a": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, 40)),
        "a: &a {" + ", ".join(f"k{n}: v" for n in range(1000)) + "}\nb:\n" + "- {<<: *a}\n" * 50_000,
        "a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 100_000 + "]",
    ],
    ids=["lists", "maps", "merges", "text"],
)
def test_bomb_is_refused_before_it_unfolds(text: str) -> None:
    """The first two stand for 2^40 values, the last for 50 GB of text."""
    (only,) = complaints(text)
    assert "unfolds to more than 10,000 values" in only


def test_aliases_cannot_nest_past_the_depth_limit() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    (only,) = complaints(text)
    assert f"nested more than {MAX_DEPTH} deep" in only


def test_a_flood_of_problems_is_cut_and_says_so() -> None:
    text = "".join(f"k{n}: *missing\n" for n in range(5000))
    found = complaints(text)
    assert len(found) == 101
    assert found[-1].endswith("there are more problems; only 100 are shown")


@pytest.mark.parametrize("tail", ["---\n", "---\n# more to come\n", "...\n---\n"])
def test_empty_document_at_the_end_is_none(tail: str, loader: str) -> None:
    assert plain(read(f"a: 1\n{tail}")) == {"a": "1"}


def test_same_mistake_in_several_places_of_an_alias_is_told_once() -> None:
    text = "steps: {a: &a {image: x, timeout: no}, b: *a, c: {<<: *a}}"
    assert len(read_workflow(text.encode(), "a.yaml").problems) == 1
