# Every target makes .venv once; the stamp is newer than pyproject.toml as long as nothing has to be installed.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: sim test test-long bench lint doctor clean

sim: .venv/.installed
	$(BIN)/spikegate sim $(ARGS)

test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" $(ARGS)
	@echo "left out: the tests marked long, minutes each; run them with make test-long"

test-long: .venv/.installed
	$(BIN)/python -m pytest -m long $(ARGS)

bench: .venv/.installed .venv/.installed-bench
	$(BIN)/python benchmarks/core_speed.py $(ARGS)

lint: .venv/.installed
	$(BIN)/ruff check .

doctor: .venv/.installed
	$(BIN)/spikegate doctor

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[sim,brian,dev]"
	touch $@

.venv/.installed-bench: .venv/.installed
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@

clean:
	rm -rf build
