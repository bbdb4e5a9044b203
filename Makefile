# Needs Python >= 3.11, make and pip; everything else comes from requirements.txt. `make help` lists the targets.

PYTHON ?= python3
PORT ?= 5000
JOBS ?= 2
# The commit to compare with. Recipes read it as a shell variable, since a branch name may contain a command.
BASE ?= origin/main
# The checkout to inspect.
FOLDER ?= .
export BASE FOLDER LINK
RUN := .venv/bin/python
INSTALL_PROJECT := $(RUN) -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .

export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: help repro assistant test check faults lint types format docs audit diff gate inspect bench gpu ui chat clean-checkpoints \
	.venv
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

repro: .venv ## run the pipeline, print the benchmark table and update the README with it
	@$(RUN) -m pretrace.preflight.changed_rows
	@$(RUN) -m dvc repro
	@$(RUN) -m pretrace.tracking wait
	@$(RUN) -m pretrace.report

assistant: .venv ## run the second pipeline, after `make repro`: demonstrations, reward model, PPO; reports/assistant/
	@for stage in prompts sft comparisons reward policies compare; do sh stages/run ../assistant/stages/$$stage || exit 1; done
	@$(RUN) -m pretrace.tracking wait

test: .venv ## run all tests, in JOBS processes (2)
	@$(RUN) -m pytest --numprocesses $(JOBS)

check: lint types ## lint, check types and run the fast tests, in a minute: before each commit
	@$(RUN) -m pytest --numprocesses $(JOBS) -m "not slow and not nightly"

faults: .venv ## inject faults into every stage, in JOBS processes, for an hour or two; results in reports/faults.json
	@PRETRACE_FAULTS=reports/faults.json $(RUN) -m pytest tests/faults -n $(JOBS) -m "nightly or not nightly"

lint: .venv ## check style, formatting and spelling
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m codespell_lib

types: .venv ## check types
	@$(RUN) -m mypy

format: .venv ## format the code and fix what ruff can
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: .venv ## write docs/formats.md from the code, and build the documentation site in site/
	@$(RUN) -m pretrace.schemas > docs/formats.md
	@$(RUN) -m mkdocs build --quiet --strict

audit: .venv ## compare the installed packages with their pins, and look up known vulnerabilities
	@$(RUN) -m pretrace.review.audit

diff: .venv ## show what changed since BASE (origin/main), as a Markdown comment
	@$(RUN) -m pretrace.cli diff --link "$$LINK" -- "$$BASE"

gate: .venv ## fail if dvc.lock does not match the code, or a score fell since BASE by more than its noise
	@$(RUN) -m pretrace.cli gate -- "$$BASE"

inspect: .venv ## look at a checkout (FOLDER, here) before DVC or any of its code runs
	@$(RUN) -m pretrace.cli inspect --base="$$BASE" -- "$$FOLDER"

bench: .venv ## compare speed and memory with other tools; results in reports/bench.json
	@$(RUN) benchmarks/bench.py

gpu: .venv ## measure a GPU in at most eight minutes: parity, speed, memory, resuming; results in reports/gpu/
	@$(RUN) benchmarks/gpu.py

ui: .venv ## show the runs in MLflow, on this machine only (PORT=5000)
	@$(RUN) -m pretrace.tracking open
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false exec $(RUN) -m mlflow server --host 127.0.0.1 --port $(PORT) --workers 1 \
		--backend-store-uri "sqlite:///$(CURDIR)/.pretrace/mlflow.db" \
		--default-artifact-root "$(CURDIR)/.pretrace/artifacts"

# Models that are there: those of the systems, one folder each.
chat: .venv ## talk to the pre-trained models in a browser, on this machine only (PORT=5000)
	@exec $(RUN) -m pretrace.cli serve --port $(PORT) $$(ls -d models/pretrained/*/transformer 2>/dev/null)

clean-checkpoints: ## delete the checkpoints that interrupted training resumes from
	rm -rf .pretrace/checkpoints

# DVC's site cache, whose files it unpickles: by default below /var/tmp, where every account of the machine can write.
# DVC takes a relative path from wherever it stands, so each clone has its absolute one, which is not in git.
.venv: .venv/requirements.txt ## create the environment from the pinned requirements
	@mkdir -p .dvc/site-cache && chmod 700 .dvc/site-cache
	@site="$$(pwd -P)/.dvc/site-cache"; grep -qsF "$$site" .dvc/config.local || \
		$(RUN) -m dvc config --quiet --local core.site_cache_dir "$$site"

# The copy is made last: an incomplete environment is created again, and a complete one from the same lines is kept,
# whatever a checkout did to the timestamps.
.venv/requirements.txt: requirements.txt pyproject.toml
	@if cmp -s requirements.txt $@ && $(RUN) -c "import pretrace.settings" 2>/dev/null; then \
		$(INSTALL_PROJECT) && touch $@; exit; fi; \
	set -e; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: needs Python >= 3.11, $(PYTHON) is $$($(PYTHON) -V 2>&1); try make PYTHON=python3.12"; exit 1; }; \
	echo "Creating .venv from requirements.txt: takes a few minutes"; \
	rm -rf .venv; \
	$(PYTHON) -m venv .venv; \
	$(RUN) -m pip install --quiet --prefer-binary -r requirements.txt; \
	$(INSTALL_PROJECT); \
	cp requirements.txt $@
