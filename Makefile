# RDV Apprentissage. Needs GNU make and python3 (3.11 or later, with venv); `make help` tells the rest.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint types e2e bench lock clean

help:  ## Show this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: .venv/runtime.stamp  ## Run the whole service with its demonstration on http://127.0.0.1:$PORT (PORT=5000)
	@exec env APP_ENV=development DEMO=1 PORT=$(PORT) $(BIN)/flask --app wsgi serve --with-parent

test: .venv/tests.stamp  ## Run every check and every test, on SQLite and PostgreSQL; shows all failures
	@tests/run $(TESTS)

lint: .venv/tests.stamp  ## Check style, and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/tests.stamp  ## Check types
	@$(BIN)/mypy

e2e: .venv/tests.stamp  ## Run the tests that need a browser (Chromium)
	@$(BIN)/python -m pytest tests/e2e

bench: .venv/tests.stamp  ## Run the benchmarks (BENCH="book-spread --repeat 3": see bench/README.md)
	@$(BIN)/python -m bench $(BENCH)

lock: .venv/tests.stamp  ## Compile requirements.txt and tests/requirements.txt again, with hashes
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --python-version 3.11 requirements.in -o requirements.txt
	cd tests && ../$(BIN)/uv pip compile -q --upgrade --generate-hashes --python-version 3.11 requirements.in -o requirements.txt

clean:  ## Remove the virtual environment and caches; instance/ (the data) stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the lock it installed: pip runs only when the lock has changed.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	@touch $@

.venv/tests.stamp: tests/requirements.txt .venv/runtime.stamp
	$(BIN)/python -m pip install -q --require-hashes -r tests/requirements.txt
	@touch $@
