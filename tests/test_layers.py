"""What ARCHITECTURE.md says of packages: who may import what, held by reading every file's syntax tree."""

import ast
import sys
from collections.abc import Iterator, Set
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
    "runner": "ahocorasick_rs click docker git httpx msgspec requests rich urllib3 zstandard",
    "worker": "alembic anyio argon2 click cryptography fastapi httpx jinja2 msgspec pydantic redis rq sqlalchemy "
    "starlette structlog uvicorn zstandard",
}
PURE_PYTHON = (
    "collections dataclasses difflib enum functools ipaddress itertools json math operator posixpath re shlex textwrap "
    "types typing"
)
"""What the language may use of the standard library: it knows no clock, no environment, no disk and no network."""
OUTSIDE = "glob io os pathlib random secrets shutil socket subprocess tempfile threading time"
LOCAL_COMMANDS = ("runner.cli", "runner.commands", "runner.terminal")
LAZY_LOADERS = {"runner/cli.py", "runner/commands/run.py", "runner/librarieshere.py", "worker/store/database.py"}
READ_THE_ENVIRONMENT = {"runner/config.py", "worker/settings.py", "worker/systemd.py"}  # what systemd hands over


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
    def is_pure(self) -> bool:
        """True if its docstring says that it is."""
        return (ast.get_docstring(self.tree) or "").split("\n")[0].endswith("Pure.")

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
    others = top_level(source.imports) - sys.stdlib_module_names - set(PACKAGES)
    assert others <= set(THIRD_PARTY[source.package].split())


def test_every_third_party_of_a_package_is_used_there() -> None:
    for package, libraries in THIRD_PARTY.items():
        used = set[str]().union(*(top_level(source.imports) for source in SOURCES if source.package == package))
        assert set(libraries.split()) <= used


@every([source for source in SOURCES if source.package == "pipelines"])
def test_language_has_no_clock_environment_disk_or_network(source: Source) -> None:
    assert top_level(source.imports) & sys.stdlib_module_names <= set(PURE_PYTHON.split())
    assert "open" not in {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}


@every([source for source in SOURCES if source.is_pure])
def test_what_says_that_it_is_pure_is(source: Source) -> None:
    """Times may be values; the time that it is now may not."""
    assert not top_level(source.imports) & set(OUTSIDE.split())
    assert not {node.attr for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)} & {"now", "today"}


@every([source for source in SOURCES if source.package == "worker"])
def test_service_does_not_know_the_local_commands(source: Source) -> None:
    assert not {name for name in source.imports if name.startswith(LOCAL_COMMANDS)}


def test_worker_knows_no_database() -> None:
    """It speaks to Redis, git and its engine only: the server owns the database."""
    known = all_behind("worker.commands.worker")
    assert "worker.tasks" in known
    assert not {module for module in known if module.startswith("worker.store")}
    assert "sqlalchemy" not in libraries_of(known)


def test_heart_of_the_runner_knows_no_engine_and_no_git() -> None:
    """Anything that satisfies `Backend` will do, and any tar stream."""
    known = all_behind("runner.execute")
    assert "runner.jobrun" in known
    assert not {module for module in known if module.startswith(("runner.engine", "runner.source"))}
    assert not libraries_of(known) & {"docker", "git", "httpx", "rich", "click"}


@pytest.mark.parametrize("library", ["docker", "git", "rq"])
def test_library_is_imported_in_one_file(library: str) -> None:
    users = [source.name for source in SOURCES if library in top_level(source.imports)]
    assert len(users) == 1, f"{library} is imported in {users}"


def test_alembic_is_imported_by_the_schema_and_its_steps_alone() -> None:
    """It is a tenth of a server's memory."""
    users = {source.name for source in SOURCES if "alembic" in top_level(source.imports)}
    assert {name for name in users if not name.startswith("worker/store/migrations/")} == {"worker/store/schema.py"}


def test_environment_is_read_only_where_settings_are_built() -> None:
    readers = {source.name for source in SOURCES if reads_environment(source.tree)}
    assert readers <= READ_THE_ENVIRONMENT


def reads_environment(tree: ast.Module) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = {name.rpartition(".")[2] for name in imported(ast.walk(tree))}
    return bool(names & (attributes | imports))


@every(SOURCES)
def test_imports_stand_at_the_top(source: Source) -> None:
    """An import inside a function hides a knot."""
    functions = (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    inside = {name for function in functions for name in imported(ast.walk(function))}
    assert not inside


def test_modules_are_loaded_lazily_only_where_that_is_worth_it() -> None:
    """`--help` and `lint` are quick without what the other commands need; a server does without alembic."""
    lazy = {source.name for source in SOURCES if "importlib" in source.imports and loads_modules(source.tree)}
    assert lazy == LAZY_LOADERS


def loads_modules(tree: ast.Module) -> bool:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return bool({"import_module", "__import__"} & (names | attributes))


def test_no_import_cycles() -> None:
    assert find_cycle(EDGES) == []


def modules_imported(tree: ast.Module, modules: Set[str]) -> Iterator[str]:
    """Those of the modules that a file needs: of `from package import module` the module, else what `from` names."""
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            base = node.module if isinstance(node, ast.ImportFrom) else None
            name = f"{base}.{alias.name}" if base else alias.name
            yield from {name if name in modules else base or name} & modules


MODULES = {source.module: source for source in SOURCES}
EDGES = {name: set(modules_imported(source.tree, MODULES.keys())) - {name} for name, source in MODULES.items()}
"""Which of our modules each of them imports."""


def all_behind(module: str) -> set[str]:
    """The module, and all of ours that it imports by whatever detour; what is loaded lazily is left out."""
    behind = {module}
    ahead = [module]
    while ahead:
        new = EDGES[ahead.pop()] - behind
        behind |= new
        ahead += new
    return behind


def libraries_of(modules: set[str]) -> set[str]:
    return set[str]().union(*(top_level(MODULES[module].imports) for module in modules)) - set(PACKAGES)


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
