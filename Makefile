# Two commands matter: `make demo` and `make test`. Everything they need, they set up.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-from-lock

.PHONY: help setup demo test check up bench bench-correlate bench-correlate-kafka bench-peers bench-detect bench-ingest bench-rules bench-enrich bench-nab bench-anomalies bench-models bench-profile bench-profile-kafka bench-economy lock clean

help:            ## List the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

setup: $(STAMP)  ## Make .venv with the braid command in it

$(STAMP): deploy/requirements-dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Braid needs Python 3.11 or newer: install it, or run make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup      ## Play a bundled attack through the real path: no broker, no key
	$(BIN)/braid demo

check: setup     ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

JOBS ?= 2
test: check      ## Everything, with a real Kafka for each of JOBS processes
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

up: setup        ## Kafka and every worker on this machine, without Docker
	$(BIN)/braid up --with-kafka

bench: setup     ## The benchmarks: ratios measured side by side
	$(BIN)/python -m tests.benchmarks.sources

RULES ?= streams/rules
bench-detect: setup  ## Matching, with RULES=folder and TELEMETRY="label=path ..." of your own; beside RSigma if it is there
	$(BIN)/python -m tests.benchmarks.detect $(RULES) $(TELEMETRY)

bench-correlate: setup  ## The correlation core by itself
	$(BIN)/python -m tests.benchmarks.correlate

bench-correlate-kafka: setup  ## Correlate on a Kafka of its own, and its recovery from a million entities
	$(BIN)/python -m tests.benchmarks.correlate_kafka

bench-peers: setup  ## Correlate beside Faust's windowed tables and Quix Streams, judged by the oracle
	$(BIN)/python -m tests.benchmarks.peers

bench-ingest: setup  ## Ingest on a Kafka of its own, with RULES=folder and TELEMETRY="label=path ..." of your own
	$(BIN)/python -m tests.benchmarks.ingest $(RULES) $(TELEMETRY)

bench-rules: setup  ## braid rules test on 500 made rules with 1,100 tests
	$(BIN)/python -m tests.benchmarks.ruletest

bench-enrich: setup  ## What enriching an event costs, by enricher
	$(BIN)/python -m tests.benchmarks.enrich

bench-nab: setup  ## The detector of series on the Numenta Anomaly Benchmark, with NAB=checkout of it
	$(BIN)/python -m tests.benchmarks.nab $(NAB)

bench-anomalies: setup  ## How good the anomaly models are on a simulated organization, and with each left out
	$(BIN)/python -m tests.benchmarks.anomalies

bench-models: setup  ## What every anomaly model costs: microseconds, and bytes of an entity
	$(BIN)/python -m tests.benchmarks.anomaly

bench-profile: setup  ## The core of profile by itself
	$(BIN)/python -m tests.benchmarks.profile

bench-profile-kafka: setup  ## Profile on a Kafka of its own
	$(BIN)/python -m tests.benchmarks.profile_kafka

bench-economy: setup  ## Calls of a model for each escalated sequence beside each signal, with RECORDED="path ..." of your own
	$(BIN)/python -m tests.benchmarks.economy $(RECORDED)

lock: setup      ## Renew the pinned dependencies
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header -q -o deploy/requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml -c deploy/requirements-dev.lock --generate-hashes --no-emit-index-url --no-header -q -o deploy/requirements.lock

clean:           ## Remove what the targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
