# make run · make test · make check · make bench · make eval · make clean
PYTHON ?= python3
PORT ?= 8000
DATA ?= data
ONLY ?=
RESULTS ?=
BIN := .venv/bin

.PHONY: setup run test unit check format eval bench clean

setup:
	@$(PYTHON) scripts/bootstrap.py

run: setup
	@MINGBAI_PORT=$(PORT) MINGBAI_DATA=$(DATA) $(BIN)/mingbai up

# pytest ends with 5 where ARGS select no test of a part
test: setup
	@$(BIN)/python scripts/browser.py
	@$(BIN)/python -m pytest -m "not real" -n auto --dist loadfile $(if $(RESULTS),--junitxml=$(RESULTS)/unit.xml) $(ARGS) || [ $$? -eq 5 ]
	@$(BIN)/python -m pytest -m real $(if $(RESULTS),--junitxml=$(RESULTS)/real.xml) $(ARGS) || [ $$? -eq 5 ]

unit: setup
	@$(BIN)/python -m pytest -m "not real" -n auto --dist loadfile $(ARGS)

check: setup
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy --no-error-summary && $(BIN)/lint-imports --no-logo > /dev/null
	@echo "formatting, lint, types and import directions are fine"

format: setup
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

eval: setup
	@$(BIN)/mingbai evaluate tests/data/messages.jsonl --details --floor tests/data/floor.json
	@$(BIN)/python -m benchmarks answers --quick

bench: setup
	@$(BIN)/python -m benchmarks $(ONLY)

clean:
	rm -rf .venv .venv-rasa build .mypy_cache .ruff_cache .pytest_cache .hypothesis
