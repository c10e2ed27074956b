# The commands of a contributor. `make` alone lists them; ARGS='...' is passed on where a line says so.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# CI clones afresh for each run and shares one build folder between them, so that it builds our crates and not all of
# crates.io. Two clones
# elsewhere must not share one: cargo tells the crates of one clone from those of another by their age alone.
ifeq ($(CI),true)
FAILSOFT_BUILD_CACHE ?= $(HOME)/.cache/failsoft/target
else
FAILSOFT_BUILD_CACHE ?= $(CURDIR)/target
endif
export CARGO_TARGET_DIR ?= $(FAILSOFT_BUILD_CACHE)
# The Python environment of the SDK and OpenAPI tests; .ci/setup makes it.
export FAILSOFT_VENV ?= $(HOME)/.cache/failsoft/venv
# The packages of the browser tests, of the SDK tests and of the agents, likewise.
export FAILSOFT_BROWSER_MODULES ?= $(HOME)/.cache/failsoft/browser
export FAILSOFT_SDK_MODULES ?= $(HOME)/.cache/failsoft/sdk
export FAILSOFT_AGENTS ?= $(HOME)/.cache/failsoft/agents

# What `make test` makes, in this order: what is quick to fail comes first.
STEPS := setup format clippy doc deny doctest tests fuzz sdk openapi browser crash

.PHONY: help postgres-18 run demo check dist test lint bench chaos screenshots fmt postgres attacks agents $(STEPS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the server; ARGS='...' goes to `failsoft serve`
	cargo run --locked -- serve $(ARGS)

demo: ## start the demo, as the README tells a newcomer to
	cargo run --locked -- demo $(ARGS)

check: ## compile everything, run the unit tests of AREA and the rules of tests/tidy; AREA=gateway or AREA=gateway::call
	cargo check --locked --workspace --all-targets
	$(if $(filter store%,$(AREA)),.ci/with-postgres) cargo test --locked --workspace --lib -- $(if $(AREA),$(AREA)::)
	cargo test --locked --workspace --test tidy

dist: ## the optimized binary that ships, in target/dist
	cargo build --locked --profile dist --bin failsoft

test: ## everything that continuous integration checks (about 30 minutes on two cores)
	@.ci/steps $(STEPS)

lint: format clippy doc deny ## all checks that run no test

screenshots: ## pictures of every page of the console; FOLDER=target/screenshots
	cargo build --locked
	tests/browser/run --screenshots $(FOLDER)

fmt: ## format the code
	cargo fmt --all

bench: ## measure speed and memory and print the table; ARGS='...'
	benches/run $(ARGS)
	$(if $(ARGS),,.ci/with-postgres benches/pages)
	$(if $(ARGS),,benches/instructions)

chaos: ## kill, database away, disk full, a million invoices: about an hour; ARGS='...' goes to tests/chaos/run alone
	cargo build --locked --release
	FAILSOFT_BIN=$(CARGO_TARGET_DIR)/release/failsoft tests/chaos/run $(ARGS)
	$(if $(ARGS),,PROPTEST_CASES=1000000 cargo test --locked --release --lib -- gateway::usage::pricing store::rollups::counters)

postgres: ## a throw-away PostgreSQL until Ctrl-C
	@.ci/with-postgres bash -c 'echo "FAILSOFT_TEST_POSTGRES_URL=$$FAILSOFT_TEST_POSTGRES_URL"; exec sleep infinity'

setup: ## install what the tests need and this machine lacks
	@.ci/setup

format: ## is the code formatted?
	cargo fmt --all --check

clippy: ## lints, warnings are errors
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## build the documentation, warnings are errors
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace

deny: ## licenses, banned crates, sources, advisories
	cargo deny --offline --workspace check --hide-inclusion-graph licenses bans sources
	@.ci/advisories

doctest: ## the examples in the documentation
	cargo test --locked --workspace --doc

tests: ## the tests, on SQLite and PostgreSQL; ARGS='...' filters
	@.ci/with-postgres .ci/tests $(ARGS)

fuzz: ## anything at all for the readers of the dialects, about a minute
	PROPTEST_CASES=20000 cargo test --locked --lib -- dialects::translate::tests::mutated

# What must work through any pooler: sign-up, keys, calls with failover and their records, lists, exports, budgets.
POOLED := sign_in|first_steps|api_keys::|failover|recording|durability|two_processes|requests::|fallback_events::|usage::|overview|budgets::
pooled: ## core tests through a PgBouncer that pools by transaction and loses prepared statements
	@.ci/with-postgres --pooler .ci/tests $(or $(ARGS),-E 'binary(api) & test(/$(POOLED)/)')

postgres-18: ## the tests of the store, the schema and the recorder on PostgreSQL 18
	@FAILSOFT_POSTGRES_VERSION=18 .ci/with-postgres .ci/tests $(or $(ARGS),-E 'test(/^store::/) | package(migration) | test(/durability|recording|two_processes/)')

sdk: ## the official SDKs of OpenAI, Anthropic, Google, AWS and Vercel against a running server or simulator
	cargo build --locked
	@.ci/with-postgres tests/sdk/run

openapi: ## a validator and a generated client against a running server
	cargo build --locked
	@.ci/with-postgres tests/openapi/run

attacks: ## attacks on a running server, and how many of them fail; ARGS='--only money'
	cargo build --locked
	@.ci/with-postgres tests/attacks/run $(ARGS)

agents: ## Claude Code and Codex edit a file while a model fails; installs both (800 MB) once
	cargo build --locked
	@tests/agents/run

browser: ## the console in a real Chromium; ARGS='...' picks journeys
	cargo build --locked
	@.ci/with-postgres tests/browser/run $(ARGS)

crash: ## a short chaos: 20 kills a database, PostgreSQL away, the disk full
	cargo build --locked
	FAILSOFT_BIN=$(CARGO_TARGET_DIR)/debug/failsoft tests/chaos/run --kills 20 --between-kills 0.4 --rate 100 --seconds 7 $(ARGS)
