# Everything runs through uv and the committed lock; without uv on the machine it is
# installed into .uv/ from the package index.
SYSTEM_UV := $(shell command -v uv 2>/dev/null)
UV := $(or $(SYSTEM_UV),.uv/bin/uv)
UV_VERSION := 0.13.9
PYTHON ?= python3
RUN := $(UV) run --locked
# Else each of many processes compiles all that it imports, and keeps the memory of it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup  ## See a cold and a warm first answer; MODEL=name on the Ollama at OLLAMA_HOST; KEEP=1 stays
	@$(RUN) ollama-warmup demo

up: setup  ## Run worker, Flower and a broker beside the Ollama at OLLAMA_HOST, until Ctrl-C
	@$(RUN) ollama-warmup up

test: setup  ## Run all tests; they bring their own Redis and Ollama
	@$(RUN) pytest -n 6 --dist loadfile --no-loadscope-reorder --durations=20

e2e: $(if $(SYSTEM_UV),,.uv/bin/uv)  ## Test the image in containers; needs Docker, and Compose for one of them
	@UV_PROJECT_ENVIRONMENT=.venv-e2e $(RUN) --group e2e pytest tests/e2e

CELLS ?= all
JOBS ?= 4
REAL = $(if $(OLLAMA),--ollama "$(OLLAMA)" --models "$(MODELS)")
faults: setup  ## Hurt each process in turn; CELLS=short, or "worker,kill -9"; OLLAMA=program MODELS=a,b,c for a real one
	@$(RUN) python -m tests.faults --cells "$(CELLS)" --jobs $(JOBS) $(REAL) \
		$(if $(filter all,$(CELLS)),--write docs/faults$(if $(OLLAMA),-ollama).md)

faults-full: setup  ## The same for a killed worker, with the visibility timeout of 900 s
	@$(RUN) python -m tests.faults --cells full --write docs/faults.md

flood: setup  ## Send 10,000 wrong names, warm-ups and readiness calls
	@FLOOD=10000 $(RUN) pytest tests/integration/test_flood.py

MINUTES ?= 30
SEED ?= 1
MEMORY ?= --memory
soak: setup  ## Run a whole system under traffic and faults; MINUTES=30, SEED=1, MEMORY= leaves growth alone
	@$(RUN) python -m tests.soak --minutes $(MINUTES) --seed $(SEED) $(MEMORY)

mutation: setup  ## Put small faults into the code: unit tests must notice the share that each group needs; MODULES=worker/core/room.py
	@$(RUN) python -m tests.mutation $(MODULES)

check: setup  ## Lint, format, types, import rules
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

env:  ## Write .env for docker compose with fresh secrets, unless there is one
	@test -e .env || (umask 077; $(PYTHON) -c "import re, secrets; \
	print(re.sub('(?<=[=:])change-me', lambda _: secrets.token_hex(24), open('.env.example').read()), end='')" > .env)

picture: setup  ## Take docs/status-page.png anew, of a whole system; needs Chromium
	@$(RUN) python -m tests.browser.picture docs/status-page.png 240

schema: setup  ## Write docs/warmlist.schema.json anew, from the code that reads the warm list
	@$(RUN) python -m ollama_warmup.schema > docs/warmlist.schema.json

docs: schema  ## Write the tables of docs/configure.md anew from the code, and the schema
	@$(RUN) python -m ollama_warmup.reference docs/configure.md

bench: setup  ## Measure anew what needs no real Ollama, into bench/results; 12 minutes in which nothing else runs
	@$(RUN) python -m bench

performance: setup  ## Write docs/performance.md, its plots and README's table anew from bench/results
	@$(RUN) --group bench python -m bench.performance

lint: setup  ## Mend what lint and format can mend
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

worker: setup  ## Start a Celery worker against OLLAMA_WARMUP_BROKER_URL and OLLAMA_HOST
	@$(RUN) python -m celery -A worker worker --loglevel=INFO

setup: $(if $(SYSTEM_UV),,.uv/bin/uv)  ## Install what the lock names into .venv
	@$(UV) sync --locked --quiet --compile-bytecode

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.PHONY: help demo up test e2e check env faults faults-full flood soak mutation picture schema docs bench performance lint worker setup
