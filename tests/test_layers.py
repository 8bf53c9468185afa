"""Three packages, one direction: who may import what, held by reading every file's syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "runner", "worker")

MAY_IMPORT = {
    "pipelines": set[str](),
    "runner": {"pipelines"},
    "worker": {"pipelines", "runner"},
}
THIRD_PARTY = {
    "pipelines": "lark msgspec yaml",
    "runner": "click docker git httpx msgspec requests rich urllib3 zstandard",
    "worker": "alembic argon2 click cryptography fastapi httpx jinja2 msgspec psycopg pydantic redis rq zstandard "
    "sqlalchemy starlette structlog uvicorn",
}
CLOCK = {"datetime", "random", "time"}
OUTSIDE = {"glob", "io", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "urllib"}
LOCAL_COMMANDS = ("runner.cli", "runner.commands", "runner.terminal")
LAZY_LOADERS = {"runner/cli.py"}
READ_THE_ENVIRONMENT = {
    "runner/config.py",
    "runner/source/__init__.py",  # sets what GitPython looks for there when it is imported
    "worker/settings.py",
    "worker/systemd.py",  # what systemd hands over
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file of ours. `name` is its path from the root of the project; `module` its dotted name."""

    name: str
    module: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top-level package it lives in."""
        return self.module.partition(".")[0]

    @property
    def imports(self) -> set[str]:
        """Dotted names of all it imports, anywhere in the file; `from a import b` gives `a` and `a.b`."""
        return set(imported(ast.walk(self.tree)))


def read(path: Path) -> Source:
    name = path.relative_to(ROOT)
    parts = name.with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(str(name), module, ast.parse(path.read_text()))


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


SOURCES = [read(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def every(sources: list[Source]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", sources, ids=[source.name for source in sources])


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@every(SOURCES)
def test_package_imports_only_those_below_it(source: Source) -> None:
    ours = top_level(source.imports) & {*PACKAGES, "tests", "scripts", "bench"}
    assert ours - {source.package} <= MAY_IMPORT[source.package]


@every(SOURCES)
def test_package_uses_only_its_own_third_parties(source: Source) -> None:
    """A library that creeps into a layer is a layer that can no longer be tested without it."""
    known = set(" ".join(THIRD_PARTY.values()).split())
    assert top_level(source.imports) & known <= set(THIRD_PARTY[source.package].split())


@every([source for source in SOURCES if source.package == "pipelines"])
def test_language_has_no_clock_environment_disk_or_network(source: Source) -> None:
    assert not top_level(source.imports) & (CLOCK | OUTSIDE)
    assert "open" not in {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}


@every([source for source in SOURCES if source.package == "worker"])
def test_service_does_not_know_the_local_commands(source: Source) -> None:
    assert not {name for name in source.imports if name.startswith(LOCAL_COMMANDS)}


@pytest.mark.parametrize("library", ["docker", "git", "rq"])
def test_library_is_imported_in_one_file(library: str) -> None:
    users = [source.name for source in SOURCES if library in top_level(source.imports)]
    assert len(users) == 1, f"{library} is imported in {users}"


def test_environment_is_read_only_where_settings_are_built() -> None:
    readers = {source.name for source in SOURCES if reads_environment(source.tree)}
    assert readers <= READ_THE_ENVIRONMENT


def reads_environment(tree: ast.Module) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = {name.rpartition(".")[2] for name in imported(ast.walk(tree))}
    return bool(names & (attributes | imports))


@every([source for source in SOURCES if source.name not in LAZY_LOADERS])
def test_imports_stand_at_the_top(source: Source) -> None:
    """An import inside a function hides a knot. The command line alone loads lazily, so that `--help` is quick."""
    functions = (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    inside = {name for function in functions for name in imported(ast.walk(function))}
    assert not inside


def test_no_import_cycles() -> None:
    modules = {source.module for source in SOURCES}
    edges = {source.module: set(modules_imported(source.tree, modules)) - {source.module} for source in SOURCES}
    assert find_cycle(edges) == []


def modules_imported(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Those of the modules that a file needs: of `from package import module` the module, else what `from` names."""
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            base = node.module if isinstance(node, ast.ImportFrom) else None
            name = f"{base}.{alias.name}" if base else alias.name
            yield from {name if name in modules else base or name} & modules


def find_cycle(edges: dict[str, set[str]]) -> list[str]:
    """The modules that are left when those that import none of them, or that none of them imports, are taken away."""
    left = dict(edges)
    while ends := [module for module in left if is_an_end(module, left)]:
        for module in ends:
            del left[module]
    return sorted(left)


def is_an_end(module: str, left: dict[str, set[str]]) -> bool:
    return not left[module] & left.keys() or not any(module in imports for imports in left.values())


def test_cycle_is_found_when_there_is_one() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["b", "c"]
