"""The library that the reference's examples include from."""

from pipelines.reading.library import Library

TEMPLATES = {"go.yaml": b"steps: {.go: {image: golang}}", "lint.yaml": b"steps: {lint: {image: x, commands: lint}}"}
INCLUDABLE = {"ci/common.yaml": b"environment: {CGO_ENABLED: '0'}"}
SHELF = Library(files=INCLUDABLE, reach=lambda repo, ref: Library(files=TEMPLATES, name=f"{repo}@{ref}"))
