"""Writes what the table of the language makes: the chapters on keys in docs/language.md, and docs/schema.json."""

import json
import sys
from pathlib import Path

from pipelines.syntax.reference import with_reference
from pipelines.syntax.schema import schema

DOCS = Path(__file__).parents[1] / "docs"


def main() -> int:
    """Rewrite both; they are right again then."""
    page = DOCS / "language.md"
    page.write_text(with_reference(page.read_text()))
    (DOCS / "schema.json").write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
