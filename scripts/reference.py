"""Writes what the tables make: the chapters on keys in docs/language.md, docs/schema.json, and docs/settings.md."""

import json
import sys
from pathlib import Path

from pipelines.syntax.reference import with_reference
from pipelines.syntax.schema import schema
from runner.settings.page import page as settings_page

DOCS = Path(__file__).parents[1] / "docs"


def main() -> int:
    """Rewrite them; they are right again then."""
    page = DOCS / "language.md"
    page.write_text(with_reference(page.read_text()))
    (DOCS / "schema.json").write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    (DOCS / "settings.md").write_text(settings_page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
