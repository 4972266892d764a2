SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
SCALE ?= 1
WORKERS ?= auto
SEED ?= 1
SECONDS_PER_TARGET ?= 60
LISTEN ?= 127.0.0.1:8080
COMETBFT_VERSIONS ?= v0.38.25 v0.38.21 v0.38.17

.PHONY: help setup engine demo consortium serve test lint fuzz kill bench vectors docs generated clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv from the lock file, hashes required

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

engine: .tools/cometbft ## install CometBFT, the consensus program of a consortium (needs Go)

.tools/cometbft:
	@command -v go >/dev/null || { \
		echo "CometBFT is built with Go, and there is no Go on this machine. Either"; \
		echo "  install Go (https://go.dev/dl/) and run make engine again, or"; \
		echo "  fetch the program for your system from"; \
		echo "  https://github.com/cometbft/cometbft/releases (v0.38.x), check its sum,"; \
		echo "  and put it at .tools/cometbft"; \
		echo "One company alone does not need it: the embedded engine works without."; \
		exit 1; }
	@for version in $(COMETBFT_VERSIONS); do \
		echo "building CometBFT $$version"; \
		if GOBIN=$(CURDIR)/.tools CGO_ENABLED=0 \
			go install github.com/cometbft/cometbft/cmd/cometbft@$$version; \
		then .tools/cometbft version; exit 0; fi; \
	done; \
	echo "none of $(COMETBFT_VERSIONS) could be built; see above why"; exit 1

demo: setup ## run the demonstration (SCALE=1 SEED=1)
	$(BIN)/lodeline demo --scale $(SCALE) --seed $(SEED)

consortium: setup engine ## the same among four validators, one of them killed on the way (SCALE=1)
	$(BIN)/lodeline demo --consortium --scale $(SCALE) --seed $(SEED) --folder demo-consortium

serve: setup ## serve the demonstration's folder at http://LISTEN, made first where needed
	@test -f demo/trust.json || $(BIN)/lodeline demo --scale $(SCALE) --seed $(SEED)
	$(BIN)/python scripts/serve_demo.py demo $(LISTEN)

test: setup ## run the tests, among them every example of the README (WORKERS=auto)
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile

lint: setup ## format, style, types, import rows, sizes and docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py

fuzz: setup ## long property and fuzz runs (SECONDS_PER_TARGET=60)
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -q -m "property or fuzz"
	$(BIN)/python scripts/fuzz_decoders.py -max_total_time=$(SECONDS_PER_TARGET)
	for target in $$($(BIN)/python -m fuzz.targets); do \
		$(BIN)/python -m fuzz.run $$target -max_total_time=$(SECONDS_PER_TARGET); \
	done

kill: setup ## kill the writer at every write and look at what is left
	$(BIN)/pytest -q -m crash

faults: setup engine ## try every fault on four validators (ONLY="kill-one part-two-two")
	$(BIN)/lodeline faults $(addprefix --only ,$(ONLY)) --out faults.json

bench: setup ## measure proving, verifying and appending
	$(BIN)/python -m lodeline.bench

vectors: setup ## write the frozen test vectors again
	$(BIN)/python -m vectors.make

docs: setup ## write the generated reference pages again
	@if [ -f docs/make.py ]; then $(BIN)/python docs/make.py; fi

generated: setup ## fail when writing vectors and docs again changes one of them
	scripts/check_generated.sh

clean: ## remove what is built, but not .venv
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
