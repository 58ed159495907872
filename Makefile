# Every target makes .venv and installs what it needs by itself.
#   make run     open the app on http://127.0.0.1:8501 (PORT=8502 for another port)
#   make check   before every commit: lint, types and the unit tests, without training or a browser
#   make test    unit, page and end-to-end tests (the browser tests need Chromium: see .ci/run)
#   make lint    ruff (lint and format) and mypy
#   make bench   the benchmarks, as ratios
#   make unsloth-env  Unsloth beside the CPU packages, to hold our arguments against it (see tests/unsloth_check.py)
#   make vllm-files   the files of vLLM's wheel that hold our arguments against it (see tests/backend/test_vllm.py)
#   make lock    write requirements.lock and requirements-gpu.lock: every package with its hashes (needs a package index)
#   make audit   known vulnerabilities in the locked versions (needs a network)
#   make example record examples/ anew from a fresh nano run

PYTHON ?= python3
PORT ?= 8501
VENV := .venv
PY := $(VENV)/bin/python
GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo yes)
# Many container images set this one; every process would then compile torch and transformers anew, which takes longer than to load them.
unexport PYTHONDONTWRITEBYTECODE
REQUIREMENTS := $(if $(GPU),requirements-gpu.txt,requirements.txt)

.PHONY: run check test lint format bench lock audit example unsloth-env vllm-files clean

run: $(VENV)/.installed
	$(PY) -m app --port $(PORT)

check: lint
	$(PY) -m pytest -n 2 --dist loadgroup -m "not slow and not e2e"

# nano first, on all cores: inside a test worker its building would take three times as long.
test: $(VENV)/.installed-dev
	$(PY) -m backend.commands.workbench nano
	$(PY) -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/.installed-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(VENV)/.installed-dev
	$(PY) -m benchmarks.rewards

# For Linux on x86-64 and Python 3.11; that both files come about shows that each set of pins can be installed together.
lock: $(VENV)/.installed
	$(PY) -m pip install --quiet uv==0.13.9
	for name in requirements requirements-gpu; do \
		$(VENV)/bin/uv pip compile --quiet --no-config --no-header --generate-hashes --python-version 3.11 \
			--python-platform x86_64-manylinux_2_28 $$name.txt -o $$name.lock || exit 1; \
	done

audit: $(VENV)/.installed
	$(PY) -m pip install --quiet pip-audit==2.10.1
	$(VENV)/bin/pip-audit --disable-pip --require-hashes -r requirements.lock -r requirements-gpu.lock

example: $(VENV)/.installed
	$(VENV)/bin/workbench example record

unsloth-env: .venv-unsloth/.installed

vllm-files: .venv-vllm/.fetched

clean:
	rm -rf $(VENV) .venv-unsloth .venv-vllm data

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; run make PYTHON=python3.12, say"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first and alone: what depends on it must not choose its build.
$(VENV)/.installed: requirements.txt requirements-gpu.txt pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet "$$(grep -o '^torch==[0-9.]*' requirements.txt)"
	$(PY) -m pip install --quiet -r $(REQUIREMENTS)
	$(PY) -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PY) -m pip install --quiet -r requirements-dev.txt
	@touch $@

# It sees .venv's packages; what Unsloth itself needs comes without dependencies, which would bring CUDA.
.venv-unsloth/.installed: requirements-gpu.txt $(VENV)/.installed
	$(PY) -m venv .venv-unsloth
	$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(.venv-unsloth/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/workbench.pth"
	.venv-unsloth/bin/python -m pip install --quiet --no-deps $$(grep -oE '^(unsloth|unsloth_zoo|triton)==[0-9.]*' requirements-gpu.txt)
	@touch $@

# The wheel (315 MB) alone, for four of its files; vLLM itself would bring CUDA.
.venv-vllm/.fetched: requirements-vllm.txt $(VENV)/.installed
	rm -rf .venv-vllm && mkdir .venv-vllm
	$(PY) -m pip download --quiet --no-deps --dest .venv-vllm "$$(grep -oE '^vllm==[0-9.]*' requirements-vllm.txt)"
	cd .venv-vllm && $(abspath $(PY)) -c 'import glob, zipfile; z = zipfile.ZipFile(glob.glob("*.whl")[0]); \
		wanted = ("vllm/entrypoints/llm.py", "vllm/sampling_params.py", "vllm/engine/arg_utils.py"); \
		[z.extract(n) for n in z.namelist() if n in wanted or n.endswith("dist-info/METADATA")]' && rm *.whl
	@touch $@
