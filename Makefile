# Two commands do everything: `make serve` runs memoryd, `make test` passes its tests.
# Nothing but Python (3.11 or newer) and make is needed; all else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: serve test check lint types imports format benchmark clean

serve: $(VENV)/.installed ## install and start the server, with no configuration at all
	$(BIN)/memoryd serve

test: $(VENV)/.installed-test ## install and pass the tests
	$(BIN)/pytest

check: lint types imports test ## everything that must hold: lint, types, import rules, tests

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

imports: $(VENV)/.installed-test
	$(BIN)/lint-imports

format: $(VENV)/.installed-test ## write the one format and the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(VENV)/.installed-test ## measure; figures go to benchmark.json
	$(BIN)/pytest tests/benchmark_memory.py --benchmark-enable --benchmark-only --benchmark-json=benchmark.json

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("memoryd needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
