# Two commands do all the set-up: `make demo` and `make test`. Everything else is for those who change the code.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= runs/demo
WORKERS ?= 2
export HOPBAR_REQUIRE_SPICE

.PHONY: demo demo-full test test-plain docs notebooks pairs bench-quick lint types wheel clean help

help:
	@echo "make demo   train a TDH-VAE on real digits, program it, verify it in SPICE, measure it, and show the pictures"
	@echo "make demo-full  the same on all of MNIST, much longer; HOPBAR_DATA names a folder that has it, or it is fetched"
	@echo "make test   run the tests, on two cores (WORKERS=2)"
	@echo "make test-plain  run those of crossbar and hvae that need neither numba's compiler nor SPICE, without the compiler"
	@echo "make docs   build the documentation as a site, in build/site"
	@echo "make notebooks   run the six tutorials, and check what they say; a site made after it shows their results"
	@echo "make pairs  write the tutorials' notebooks anew from their texts (docs/tutorials/*.py)"
	@echo "make bench-quick   run every script of benchmarks/ on a small case"
	@echo "make lint   ruff and mypy;  make wheel: build the wheel"

$(BIN)/hopbar: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(BIN)/hopbar
	BIN=$(BIN) bash examples/demo.sh $(DEMO)

demo-full: $(BIN)/hopbar
	BIN=$(BIN) bash examples/demo.sh $(DEMO)-full examples/tdh-vae.toml

test: $(BIN)/hopbar
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-plain: $(BIN)/hopbar
	OMP_NUM_THREADS=1 NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov=crossbar --cov=hvae --cov-report=term:skip-covered -m "not spice and not needs_jit and not slow" tests/crossbar tests/hvae

docs: $(BIN)/hopbar
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict -f docs/site/mkdocs.yml
	@echo "look at build/site/index.html"

notebooks: $(BIN)/hopbar
	OMP_NUM_THREADS=1 $(BIN)/python docs/build/run_notebooks.py

pairs: $(BIN)/hopbar
	$(BIN)/jupytext --quiet --to ipynb --update docs/tutorials/*.py

bench-quick: $(BIN)/hopbar
	$(BIN)/python benchmarks/quick.py

lint: $(BIN)/hopbar
	$(BIN)/ruff check .
	$(BIN)/mypy

wheel: $(BIN)/hopbar
	rm -rf dist && $(BIN)/python -m build --outdir dist .

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
