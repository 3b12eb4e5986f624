# Needs nothing but make and a Python >= 3.11 with venv. Everything goes into .venv, whatever else is active.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# An active environment, conda or a stray PYTHONPATH must not decide where packages go or come from.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME UV_SYSTEM_PYTHON UV_PYTHON PIP_USER PIP_TARGET PIP_REQUIRE_VIRTUALENV

BENCH_READY := .venv/.bench
KERAS := .venv-bench-keras
.PHONY: demo test lint format schemas bench bench-keras clean
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/maskwright demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY)
	$(BIN)/python -m maskwright.cli.schemas
	$(BIN)/python docs/make_reference.py

# Measures for about half an hour; the machine should do nothing else. Needs MASKWRIGHT_DATA and MASKWRIGHT_WEIGHTS.
bench: $(BENCH_READY)
	$(BIN)/python benchmarks/speed/run.py
	$(BIN)/python benchmarks/speed/page.py

# TensorFlow for one more row of the benchmark, in an environment of its own.
bench-keras: $(READY)
	test -x $(KERAS)/bin/python || $(PYTHON) -m venv $(KERAS)
	$(BIN)/uv pip install --python $(KERAS)/bin/python -r benchmarks/speed/requirements-keras.txt

clean:
	rm -rf .venv $(KERAS) build dist .pytest_cache .mypy_cache .ruff_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maskwright needs Python >= 3.11: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python -c constraints.txt -b constraints.txt -e '.[train,openvino,dev]'
	touch $@

$(BENCH_READY): $(READY) benchmarks/speed/requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python -c constraints.txt -r benchmarks/speed/requirements.txt
	touch $@
