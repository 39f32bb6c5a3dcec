# Every target that needs the environment makes it first, when it is missing or its requirements have changed.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860

BIN := .venv/bin
READY := .venv/.ready
UV := uv==0.13.9

.PHONY: setup app quick test test-all lint format docs lock clean

setup: $(READY)

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(UV)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt -r requirements-dev.txt \
		|| $(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-dev.txt
	@touch $@

app: $(READY)
	$(BIN)/python -m app --host $(HOST) --port $(PORT)

# Two processes of one thread each are faster than one of two, and as fast as three on two cores. A file's tests stay
# together and share its fixtures.
# glibc gives large tensors back to the system at once unless told otherwise, which takes a fifth more time.
ENVIRONMENT := OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296
PARALLEL := --numprocesses 2 --dist loadfile
PYTEST := $(ENVIRONMENT) $(BIN)/python -m pytest $(PARALLEL)

# The essential tests, without a browser, aimed at 90 seconds on two cores.
quick: $(READY)
	$(PYTEST) -m essential

# The whole suite but for what is exhaustive, with its coverage.
test: $(READY)
	$(ENVIRONMENT) $(BIN)/python -m slipcover -m pytest $(PARALLEL)

# What is exhaustive as well: all networks with all variants of SCFF, all exports, the benchmarks.
test-all: $(READY)
	$(PYTEST) -m "exhaustive or not exhaustive"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The documentation's pages into site/, their tables made from the code; a broken link fails.
docs: $(READY)
	$(BIN)/python -m docs.tables
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# Compiles the direct requirements, and all they need, into pinned files.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv .pytest_cache .ruff_cache .coverage* site test-artefacts
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
