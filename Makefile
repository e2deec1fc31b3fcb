# Plain targets over plain tools; each sets up what it needs first.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: repro test test-slow ui lint format lock graph setup setup-dev

repro: setup        ## the whole pipeline: run what is stale, then say what there is
	@clintune mend
	dvc repro
	@clintune snapshot || true
	@clintune summary

test: setup-dev     ## every test but the slow ones
	pytest -m "not slow" -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-slow: setup-dev
	pytest -m slow $(ARGS)

ui: setup           ## MLflow in a browser, on what was logged
	clintune ui

lint: setup-dev
	ruff check .
	ruff format --check .
	mypy
	mypy setup

format: setup-dev
	ruff check --fix .
	ruff format .

lock: setup         ## write the lock files anew from pyproject.toml
	python setup/lock.py $(ARGS)

graph: setup        ## write the code that each stage depends on into dvc.yaml and README.md
	python -m clintune.graph

setup: python
	@$(PYTHON) setup/environment.py

setup-dev: python
	@$(PYTHON) setup/environment.py --dev

.PHONY: python
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "clintune needs Python 3.11 or newer; name one: make $(or $(MAKECMDGOALS),repro) PYTHON=python3.12" >&2; exit 2; }
