"""Circles are found, and only circles."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.graph import cycles

nodes = st.sampled_from("abcdef")
graphs = st.dictionaries(nodes, st.lists(nodes, max_size=3), max_size=6)


@given(graphs)
def test_named_circle_is_a_way_along_the_edges(graph: dict[str, list[str]]) -> None:
    for first, *rest in cycles(graph):
        assert first == rest[-1]
        assert len(set(rest)) == len(rest)
        for waits, needed in zip((first, *rest), rest, strict=False):
            assert needed in graph[waits]


@given(graphs)
def test_circle_is_found_whenever_there_is_one(graph: dict[str, list[str]]) -> None:
    """The obvious model: take away what needs nothing that is left, again and again."""
    left = dict(graph)
    while free := [name for name, needs in left.items() if not left.keys() & set(needs)]:
        for name in free:
            del left[name]
    assert bool(cycles(graph)) == bool(left)


def test_deep_graph_needs_no_recursion() -> None:
    chain = {str(n): [str(n + 1)] for n in range(20_000)}
    assert cycles(chain) == []
    assert len(cycles(chain | {"20000": ["0"]})[0]) == 20_002
