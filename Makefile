# Two commands do all the set-up on a fresh machine with Python 3.11 or newer and make:
#   make run     deploy, train, evaluate and report in a local cloud    [EXPERIMENT=quickstart] [DATA=folder]
#   make test    the checks and the tests
# `make help` lists the others. Each sets up what it needs and is quick when nothing changed.

EXPERIMENT ?= quickstart
DATA ?=
USER_ID ?=
ENVIRONMENT ?= dev
ALLOW_REPLACE ?=
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
comma := ,
VENV := .venv
BIN := $(VENV)/bin
CDK := $(BIN)/python -m local_cloud.cdk
COMPILE := $(BIN)/uv pip compile --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet $(if $(UPGRADE),--upgrade)
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
READY_PEERS := .venv-peers/.ready

.DEFAULT_GOAL := help
.PHONY: help run serve campaigns park unpark runs pictures test estimate synth faults bench bench-recipes verify lint format deploy destroy diff forget pins snapshots permissions audit smoke clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | while IFS="$$(printf '\t')" read -r a b; do printf '  make %-14s %s\n' "$$a" "$$b"; done

# ---------------------------------------------------------------------------------------------------------------- set-up
$(READY): requirements.txt requirements-local.txt package.json package-lock.json
	@test -n "$(PYTHON)" || { echo "personalize-cdk needs Python 3.11 or newer, and there is none on the PATH (or set PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) tools/setup.py requirements.txt requirements-local.txt && touch $@

$(READY_DEV): $(READY) requirements-dev.txt
	@$(PYTHON) tools/setup.py requirements.txt requirements-local.txt requirements-dev.txt && touch $@

$(READY_PEERS): requirements-peers.txt requirements-torch.txt
	@test -n "$(PYTHON)" || { echo "personalize-cdk needs Python 3.11 or newer, and there is none on the PATH" >&2; exit 1; }
	@echo "Setting up .venv-peers/ (PyTorch and others, for the benchmark only; a few minutes)"
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install --no-deps -r requirements-peers.txt
	@.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-torch.txt && touch $@

# ------------------------------------------------------------------------------------------------------------- the jobs
run: $(READY)  ## deploy, train, evaluate and report in a local cloud [EXPERIMENT=name] [DATA=folder]
	@$(BIN)/python -m local_cloud run $(EXPERIMENT) $(if $(DATA),--data "$(DATA)")

serve: $(READY)  ## look at the campaigns of the newest run side by side, on a page [EXPERIMENT=name]
	@$(BIN)/python -m local_cloud look $(EXPERIMENT)

runs: $(READY)  ## past runs on one page, out/runs.html [COMPARE="EXPERIMENT/RUN EXPERIMENT/RUN"]
	@$(BIN)/python -m evaluation.runs out $(if $(COMPARE),--compare $(COMPARE))

pictures: $(READY_DEV)  ## the pictures in docs/pictures/, from the newest run of quickstart
	@$(BIN)/python -m tools.pictures

test: lint  ## the checks and the tests (at most 12 minutes on two cores)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST_ARGS)

verify: lint audit  ## everything, the long checks included
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(READY_DEV)  ## ruff, mypy, import-linter
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@found=$$($(BIN)/lint-imports --no-logo) || { echo "$$found"; exit 1; }
	@echo "ruff, mypy, import-linter: clean"

format: $(READY_DEV)  ## lay the code out
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

estimate: $(READY)  ## what a run would cost on AWS, as a range [EXPERIMENT=name] [DATA=folder]
	@$(BIN)/python -m estimate $(EXPERIMENT) $(if $(DATA),--data "$(DATA)")

synth: $(READY)  ## the CloudFormation templates, into cdk.out
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python app.py && ls cdk.out/*.template.json

faults: $(READY_DEV)  ## what every task does under every fault, tried in a local cloud, into docs/faults.md (15 minutes)
	@$(BIN)/python -m tests.matrix.write_faults

bench: $(READY_DEV)  ## the figures in benchmarks/ [DATA=folder of MovieLens or airline data]
	@$(BIN)/python -m benchmarks.data_prep --spark
	@$(BIN)/python -m benchmarks.data_prep_growth
	@$(BIN)/python -m benchmarks.local_cloud
	@$(BIN)/python -m benchmarks.serving
	@$(MAKE) --no-print-directory bench-recipes

bench-recipes: $(READY_DEV) $(READY_PEERS)  ## every recipe beside baselines and peers [DATA=folder] [ONLY=regex] [WORKS=regex]
	@$(BIN)/python -m benchmarks.recipes --generated $(if $(DATA),--data $(DATA)) --only "$(ONLY)" --works "$(WORKS)"

# ---------------------------------------------------------------------------------------------------------------- on AWS
deploy: $(READY)  ## deploy EXPERIMENT=name to the AWS account of your credentials
	@$(CDK) -- deploy --all -c experiments=$(EXPERIMENT) -c env=$(ENVIRONMENT)

destroy: $(READY)  ## delete it again, with all that its runs made
	@$(CDK) -- destroy --all -c experiments=$(EXPERIMENT) -c env=$(ENVIRONMENT)

smoke: $(READY)  ## deploy, run and destroy on AWS: needs AWS_SMOKE=1, never yet run against a real account [KEEP=1]
	@$(BIN)/python -m tools.smoke $(if $(KEEP),--keep)

forget: $(READY)  ## take one user out of data, runs and Personalize: USER_ID=id EXPERIMENT=name [YES=1] [LOCAL=1: out/ instead]
	@test -n "$(USER_ID)" || { echo "say whom: make forget USER_ID=… EXPERIMENT=…" >&2; exit 2; }
	@$(BIN)/python -m privacy forget --experiment $(EXPERIMENT) -c env=$(ENVIRONMENT) $(if $(LOCAL),--out out,--stack) $(if $(YES),--yes) -- "$(USER_ID)"

diff: $(READY)  ## what a deploy would change; fails if data would be lost [ALLOW_REPLACE=type,…]
	@$(CDK) -- diff -c experiments=$(EXPERIMENT) -c env=$(ENVIRONMENT)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.replacements $(EXPERIMENT) --environment $(ENVIRONMENT) \
		$(patsubst %,--allow %,$(subst $(comma), ,$(ALLOW_REPLACE)))

campaigns: $(READY)  ## what the campaigns of EXPERIMENT=name serve, and what they cost a day
	@$(BIN)/python -m campaigns list $(EXPERIMENT) --environment $(ENVIRONMENT)

park: $(READY)  ## delete its campaigns for as long as nobody needs them; they cost nothing then
	@$(BIN)/python -m campaigns park $(EXPERIMENT) --environment $(ENVIRONMENT)

unpark: $(READY)  ## make them again under the same ARNs, without a training
	@$(BIN)/python -m campaigns unpark $(EXPERIMENT) --environment $(ENVIRONMENT)

# ------------------------------------------------------------------------------------------------------------ upkeep
pins: $(READY_DEV)  ## compile requirements*.in to full pins with hashes [UPGRADE=1: newer versions]
	@for f in requirements requirements-local requirements-dev; do \
	$(COMPILE) --universal $$f.in -o $$f.txt || exit 1; done
	@$(COMPILE) requirements-peers.in -o requirements-peers.txt
	@# PyTorch, and what only its build for GPUs needs, come by version alone: which build it is, the machine decides.
	@sed -i.bak -E '/^(nvidia|cuda|triton|torch==)/,/[^\\]$$/d' requirements-peers.txt && rm requirements-peers.txt.bak

snapshots: $(READY_DEV)  ## accept templates, the experiments' schema and the recipes' tables as they are now (then read the diff)
	@$(BIN)/python -m experiments.schema
	@$(BIN)/python -m tools.recipe_tables
	@$(BIN)/python -m tools.figures
	@UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest tests/synth/test_synth_snapshots.py

audit: $(READY_DEV)  ## known vulnerabilities of what is pinned (asks PyPI and npm)
	@$(BIN)/python -m tools.audit

permissions: $(READY_DEV)  ## take every grant of the stack away, one at a time, and write docs/permissions.md
	@UPDATE_PERMISSIONS=1 $(BIN)/python -m pytest tests/matrix/test_removals.py -k every_grant -s

clean:  ## remove what the commands made (not out/)
	@rm -rf $(VENV) .venv-peers node_modules cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis build
