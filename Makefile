# `make help` lists what there is. Everything runs in .venv, which `setup` makes from the hashed lock.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
export UV_COMPILE_BYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The newest Python that really runs (a version manager's shim may not), has venv and is one that we support.
SUPPORTED := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for candidate in python3.13 python3.12 python3.11 python3 python; do \
	$$candidate -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$candidate && break; done)
endif

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: setup ## Set up, then walk the sample year's shoppers through two journeys inside Dagster
	@$(BIN)/python -m journey_pipelines.demo

# each with databases of its own; a file's tests stay together, since they share what is dear to make; the files in
# the order of tests/conftest.py, the longest first
TEST_PROCESSES := 2

.PHONY: test
test: setup ## Set up, then run the tests
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder --durations 25

.PHONY: dev
dev: setup ## Start the database, Dagster's UI and its daemon
	@$(BIN)/journeys dev

.PHONY: check
check: lint types contracts test ## Everything that CI runs

PRISM := tests/prism/node_modules/.complete

.PHONY: prism
prism: $(PRISM) ## Install Prism with npm, which judges the providers' fakes by the vendors' documents

$(PRISM): tests/prism/package-lock.json
	@npm ci --prefix tests/prism --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

BENCH := --require-hashes -r requirements/bench.txt

.PHONY: bench
bench: setup ## Measure rules, advances, an enrolment, growth and sending against other ways, which it installs
	@UV_SYSTEM_CERTS=1 $(UV_INSTALL) $(BENCH) || $(UV_INSTALL) $(BENCH) || $(PIP_INSTALL) $(BENCH)
	@$(BIN)/journeys bench rules
	@$(BIN)/journeys bench advance --rows 100000 --stored 200000 --scattered
	@$(BIN)/journeys bench enrol --candidates 1000000
	@$(BIN)/journeys bench growth --rows 5000
	@$(BIN)/journeys bench dispatch

STORM :=

.PHONY: storm
storm: setup ## Kill runs and databases at random moments, for long (STORM="--customers 5000" makes it shorter)
	@$(BIN)/python -m tests.storm $(STORM)

.PHONY: lint
lint: setup ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: setup ## Check the types
	@$(BIN)/mypy

.PHONY: contracts
contracts: setup ## Check the order of the layers
	@$(BIN)/lint-imports

.PHONY: format
format: setup ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: setup
setup: $(STAMP) ## Make .venv with the locked packages

# uv trusts the system's certificates (a company's proxy has its own), then those it carries; pip is the way out where
# only pip is told how to reach the package index (pip.conf, PIP_*), which uv does not read.
UV_INSTALL := $(BIN)/python -m uv pip install --quiet --python $(BIN)/python
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-deps
LOCKED := --require-hashes -r requirements/dev.txt

$(STAMP): requirements/dev.txt pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python from 3.11 to 3.13 with venv found. Install one (Debian: apt install python3-venv)" \
			"or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@$(BIN)/python -c '$(SUPPORTED)' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP_INSTALL) uv
	@echo "Installing the locked packages into $(VENV)"
	@UV_SYSTEM_CERTS=1 $(UV_INSTALL) $(LOCKED) || $(UV_INSTALL) $(LOCKED) || $(PIP_INSTALL) $(LOCKED)
	@UV_SYSTEM_CERTS=1 $(UV_INSTALL) --no-deps -e . || $(UV_INSTALL) --no-deps -e . || $(PIP_INSTALL) -e .
	@touch $(STAMP)

.PHONY: lock
lock: setup ## Write the files of requirements/ anew from pyproject.toml, for all platforms
	@$(BIN)/python -m uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--extra dev --python-version 3.11 pyproject.toml -o requirements/dev.txt
	@$(BIN)/python -m uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--extra bench --constraint requirements/dev.txt --python-version 3.11 pyproject.toml -o requirements/bench.txt

.PHONY: clean
clean: ## Remove .venv and everything that was written, the embedded database included
	@if [ -d .journeys ] && [ -x $(BIN)/python ]; then $(BIN)/python -m journey_pipelines.store.removal .; fi
	@rm -rf .journeys $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
