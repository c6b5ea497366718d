# make demo: the main job on the example vault.  make test: all tests.  make check: lint, types,
# layers, documentation.  Each sets up .venv first; PYTHON names another interpreter.

PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: dev demo test check docs clean

dev: .venv/ready

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: dev
	$(BIN)/python examples/demo.py

test: dev
	$(BIN)/python -m pytest

check: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check -r README.md

docs: dev
	$(BIN)/cog -r README.md

clean:
	rm -rf .venv build dist
