# make demo   install into .venv, obtain the default models, scan the example sets, print the reports
# make test   install what the tests need, run every check
#
# pip's own settings decide where packages come from. For the small CPU build of torch on Linux:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
VENV ?= .venv
EXAMPLES ?= $(wildcard benchmarks/examples/*.jsonl)
TORCH_INDEX ?=
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt

.PHONY: demo test lint types floors fast slow clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/poisonscan models pull
	@echo; echo "A finding (exit code 1) is the expected result of the demo."
	$(BIN)/poisonscan check $(EXAMPLES) || [ $$? -eq 1 ]

test: lint types floors fast slow

lint: $(VENV)/.installed-test
	$(BIN)/ruff check poisonscan tests

types: $(VENV)/.installed-test
	$(BIN)/mypy

floors: $(VENV)/.installed-test
	$(BIN)/lint-imports

fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not slow"

slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "poisonscan needs Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps are newer than what they were made from, so that a second `make` installs nothing.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV): 1.6 GB, a few minutes ..."
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV): 1.6 GB, a few minutes ..."
	$(INSTALL) -e ".[test]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
