# Every command that people and CI share. `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST_ARGS ?=

.PHONY: help install demo test test-all check format bench lock clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## make .venv and install the locked dependencies

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(f"vitforge needs Python 3.11, not {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11") if v != (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "installing the locked dependencies into $(VENV)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --allow-empty-requirements requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED)  ## run the whole pipeline on scikit-learn's digits
	@$(BIN)/vitforge run pipelines/configs/digits.yaml

test: $(INSTALLED)  ## run the tests, but for the slow ones
	@$(BIN)/python -m pytest -m "not slow and not container and not browser and not gpu" $(PYTEST_ARGS)

test-all: $(INSTALLED)  ## run all tests that this machine can run
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(INSTALLED)  ## lint, format, types, import directions, YAML
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/yamllint --strict .

format: $(INSTALLED)  ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(INSTALLED)  ## run the benchmarks, or one: make bench NAME=demo
	@$(BIN)/python tests/benchmarks/run.py $(NAME)

lock: $(INSTALLED)  ## resolve requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --universal \
		--python-version 3.11 --custom-compile-command "make lock" --quiet -o requirements.lock

clean:  ## remove .venv and caches; .vitforge, which holds runs and models, stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
