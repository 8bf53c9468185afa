# `make` lists what there is. Everything here works from a fresh clone: what is missing is set up first.

PYTHON := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt lock shim bench docs clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make this machine ready: .venv, a Docker engine, redis-server, curl (does nothing if all is there)
	@scripts/bootstrap python engine redis tools

demo: setup ## push to a real repository and watch its run (KEEP=1 leaves the server up)
	@scripts/bootstrap image
	@$(PYTHON) scripts/demo.py

test: setup ## set up and run the whole test suite
	@scripts/bootstrap image registry lfs emulators ssh podman chromium debootstrap compose postgresql systemd
	@scripts/test

check: ## lint, formatting and types
	@scripts/bootstrap python
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/mypy scripts/*.py bench/*.py

fmt: ## format the code and mend what can be mended
	@scripts/bootstrap python
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

lock: ## pin the newest dependencies that pyproject.toml allows, with their hashes
	@scripts/bootstrap python
	scripts/lock

shim: ## build the small program that holds a job's network open and its next steps back
	$(MAKE) -C runner/shim

bench: setup ## measure steps, runs, long jobs, logs, checkouts, the language and hooks, against peers where there are
	@scripts/bootstrap image
	$(PYTHON) bench/steps.py
	$(PYTHON) bench/steps.py --sleep 0
	$(PYTHON) bench/runs.py
	$(PYTHON) bench/scale.py
	$(PYTHON) bench/logs.py
	$(PYTHON) bench/checkout.py
	$(PYTHON) bench/language.py
	$(PYTHON) bench/hooks.py
	$(PYTHON) bench/history.py
	$(PYTHON) bench/load.py
	$(PYTHON) bench/viewers.py

docs: ## write the pages, chapters and the schema that come from the tables of language and settings
	@scripts/bootstrap python
	$(PYTHON) scripts/reference.py

clean: ## remove .venv and what builds and tests left here
	rm -rf .venv .state .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist wheels
	find pipelines runner worker tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +
