# ★ make demo   the main job on the local Dataverse     ★ make test   everything that proves it
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The machine's own pip fills it: Debian's Python has none to put into a new environment (package python3-venv).
PIP := $(PYTHON) -m pip --python $(BIN)/python
STAMP := $(VENV)/.installed

.PHONY: help install demo test check conformance bench clean
help:
	@echo "make install   virtual environment in .venv, with pinned packages"
	@echo "make demo      the whole system once, on a local Dataverse"
	@echo "make test      all tests"
	@echo "make check     lint, types, import arrows"
	@echo "make conformance   real clients against the local Dataverse: what works, is refused, fails"
	@echo "make bench     how fast the local Dataverse is, beside raw SQLite and JSON"
	@echo "make clean     remove what the others made"

install: $(STAMP)
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear --without-pip $(VENV)
	$(PIP) install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(PIP) install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install
	$(BIN)/d365ext demo

test: install
	$(BIN)/pytest -n 2 --dist loadgroup

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# SPASAMPLE=path names a checkout of github.com/microsoft/PowerApps-Samples; the clients are installed into .conformance
conformance: install
	PYTHONPATH=tests $(BIN)/python tests/conformance/clients/run.py $(if $(SPASAMPLE),--spasample "$(SPASAMPLE)")

# ROWS=1000000 for the figures of a full store
bench: install
	$(BIN)/python tests/bench/emulator.py $(if $(ROWS),--rows $(ROWS))

clean:
	rm -rf $(VENV) .conformance build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* .import_linter_cache *.egg-info
	find d365ext sync tests -name __pycache__ -type d -prune -exec rm -rf {} +
