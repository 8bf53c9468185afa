"""docs/api.md and docs/forges.md tell the truth: every path, forge and example in them is tried."""

import subprocess
from pathlib import Path

from tests.worker.conftest import Service
from worker.forges import FORGES

DOCS = Path(__file__).parents[2] / "docs"


def test_api_page_names_every_path_of_the_api(service: Service) -> None:
    page = (DOCS / "api.md").read_text()
    names = {"{owner}": "OWNER", "{name}": "NAME", "{run_id}": "RUN", "{job}": "JOB", "{step}": "STEP"}
    more = {"{artifact_id}": "ID", "{number}": "NUMBER", "{schedule}": "SCHEDULE", "{kind}": "KIND"}
    for path in service.client.get("/api/openapi.json").json()["paths"]:
        if path.startswith("/api"):
            for field, word in {**names, **more}.items():
                path = path.replace(field, word)  # noqa: PLW2901
            assert f"`{path}`" in page or f"`{path}?" in page


def test_forges_page_names_every_forge() -> None:
    page = (DOCS / "forges.md").read_text()
    assert all(f"| `{name}` |" in page for name in FORGES)


def test_example_of_a_signed_post_works_as_it_stands(service: Service, tmp_path: Path) -> None:
    repository = service.add_repository()
    example = (DOCS / "forges.md").read_text().partition("```sh\nid=")[2].partition("```")[0]
    setup = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x\nid="
    done = subprocess.run(
        ["sh", "-ec", setup + example],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "SECRET": repository.secret,
            "HOOK_URL": f"{service.url}/hooks/git/acme/web",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert '"number":1' in done.stdout
