# Everything a newcomer needs: `make demo`, then `make lab`. Each target sets up what it needs and says so.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FL     := $(BIN)/fetchlab
READY  := $(VENV)/.ready
BROWSER := $(VENV)/.browser
REDIS   := $(VENV)/.redis

.PHONY: demo test test-slow lab bench notebooks docs lint format setup lock clean help
.DEFAULT_GOAL := help

# Many tests start processes of their own; without compiled files each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) $(BROWSER) ## virtual environment, the package, a browser

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("fetchlab needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || { echo "==> making a virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25"  # older ones lose a pin behind an extra
	@echo "==> installing the locked packages, about 600 MB"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@echo "==> installing fetchlab itself, editable"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(BROWSER): $(READY)
	@echo "==> looking for a Chromium"
	@$(FL) browser --install
	@touch $@

$(REDIS): $(READY)
	@echo "==> looking for a Redis or Valkey server, for the tests of shared caches"
	@if $(BIN)/python -m fetchlab.bench.redis_server; then touch $@; fi

demo: setup ## the main job on the embedded testbed: 70,613 ids, 2,000 details, a notebook
	@$(FL) demo

test: setup $(REDIS) ## every test but the slow ones
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 6 --dist loadfile --no-loadscope-reorder

test-slow: setup $(REDIS) ## the long versions of the claims
	@$(BIN)/python -m pytest -m slow --timeout 3600

lab: setup ## JupyterLab on the notebooks, with the testbed running
	@$(FL) lab

bench: setup ## the committed tables, measured again: reproduced, faster or slower? `BENCH=--quick` is shorter
	@$(FL) bench again $(BENCH)

notebooks: setup ## execute every notebook in place
	@$(FL) notebooks

docs: $(READY) ## the guide and the API reference as HTML, to read offline
	@$(BIN)/python docs/build.py

lint: $(READY) ## ruff and mypy
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

format: $(READY) ## ruff's formatter and safe fixes
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

lock: $(READY) ## pin every dependency anew into requirements.lock
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --extra bench --extra dev --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

clean: ## remove the virtual environment and what runs have produced
	rm -rf $(VENV) data/runs data/cache docs/_build .pytest_cache .mypy_cache .ruff_cache
