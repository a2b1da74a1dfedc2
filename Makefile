# Each target makes its own virtual environment, if there is none, and brings it up to date with pyproject.toml.

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test bench fmt docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/python examples/diabetes.py

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -n 2 -m "not slow"

# qpth's own requirements would take other packages back by years; it runs without them.
bench: $(VENV)/.bench
	$(PIP) --no-deps qpth==0.0.16
	set -e; for script in benchmarks/bench_*.py; do $(BIN)/python $$script; done

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis

# torch comes first and at one exact version, so that no other package chooses a build for us.
$(VENV)/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "declarative needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) '$(TORCH)'
	touch $@

$(VENV)/.demo $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: pyproject.toml $(VENV)/.torch
	$(PIP) -e '.[$*]'
	touch $@
