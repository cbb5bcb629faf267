# Everything a newcomer or CI runs. Needs make, git and Python 3.11 or newer; the rest goes into .venv.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test coverage check docs clean

VENV ?= .venv
BIN := $(VENV)/bin
# An old `python3` or the shim of a version that is not installed answers to the name, so each is asked.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# TENSORFLOW=0 leaves out the 600 MB of the oracle; its tests are then shown as skipped.
TENSORFLOW ?= 1
# Processes that run tests; each may hold a TensorFlow of its own, some 2 GB.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4)))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Images of containers set it, and then each of the tests' hundreds of processes compiles datalint again.
unexport PYTHONDONTWRITEBYTECODE

help: ## what each target does
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' Makefile

demo: $(VENV)/installed ## judge the example dataset; its planted flaws block, so datalint exits 1
	@$(BIN)/python examples/make_flowers.py
	@code=0; (cd examples && "$(abspath $(BIN))/datalint" check -o text) || code=$$?; \
	if [ $$code -eq 1 ]; then echo "as documented: exit code 1, the example dataset is blocked"; \
	else echo "expected exit code 1 (blocked), got $$code" >&2; exit 1; fi

# In their order: largest file first, as xdist would have it, leaves one long file for the end.
PYTEST := pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(or $(ARGS),$(if $(EXHAUSTIVE),,-m "not exhaustive"))

test: $(VENV)/installed-dev ## the tests; EXHAUSTIVE=1 runs all, ARGS="tests/rule -x" some
	$(BIN)/python -m $(PYTEST)

coverage: $(VENV)/installed-dev ## the same with branch coverage, which costs half as much again
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: $(VENV)/installed-dev ## lint, format, types, YAML, generated documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/python scripts/docs.py --check

docs: $(VENV)/installed-dev ## write the generated documentation again
	$(BIN)/python scripts/docs.py

clean: ## remove the environment and everything that was generated
	rm -rf $(VENV) .coverage* .mypy_cache .ruff_cache .pytest_cache examples/flowers examples/.datalint_cache

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer on PATH; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: pyproject.toml | $(VENV)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/python
	$(PIP) install --editable ".[dev]"
	@if [ "$(TENSORFLOW)" = 1 ]; then $(PIP) install --editable ".[dev,tensorflow]" \
	|| echo "tensorflow cannot be installed here: its tests will be skipped" >&2; fi
	@touch $@ $(VENV)/installed
