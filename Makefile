# Two commands do all the set-up: `make demo` and `make test`. Everything else is for those who change the code.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= runs/demo
export HOPBAR_REQUIRE_SPICE

.PHONY: demo test bench-quick lint types wheel clean help

help:
	@echo "make demo   train a TDH-VAE on real digits, program it, verify it in SPICE, measure it, and show the pictures"
	@echo "make test   run the tests, with numba's compiler and without it"
	@echo "make bench-quick   run every script of benchmarks/ on a small case"
	@echo "make lint   ruff and mypy;  make wheel: build the wheel"

$(BIN)/hopbar: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(BIN)/hopbar
	BIN=$(BIN) bash examples/demo.sh $(DEMO)

test: $(BIN)/hopbar
	$(BIN)/python -m pytest
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest --cov=crossbar --cov=hvae --cov=circuits --cov-report=term:skip-covered -m "not spice and not needs_jit"

bench-quick: $(BIN)/hopbar
	$(BIN)/python benchmarks/quick.py

lint: $(BIN)/hopbar
	$(BIN)/ruff check .
	$(BIN)/mypy

wheel: $(BIN)/hopbar
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
