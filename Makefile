# PRAG: `make demo` runs the main job on real documents, `make test` runs the tests. Both set up what they need.

SHELL := /bin/bash
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/prag
PRAG_MODEL_DIR ?= $(CACHE)/models/all-MiniLM-L6-v2
export PRAG_MODEL_DIR

# RocksDB is most of a cold build: scripts/clang++ has its headers read once, and ccache keeps it. The script stands where
# every checkout finds it, since another path of the compiler would have RocksDB compiled again.
CCACHE := $(shell command -v ccache 2>/dev/null)
export CC := $(CCACHE) clang
export CXX := $(CACHE)/bin/clang++

.PHONY: help demo test bench bench-data lint docs contracts contracts-test contracts-gas contracts-schema chain-test chain-demo setup model corpus build

help:
	@echo "make demo    set up, build, and run the main job on real documents"
	@echo "make test    set up, build, and run every test"
	@echo "make bench   set up, build optimised, and print what privacy costs, and ours against rivals (benches/README.md)"
	@echo "make lint    formatting, clippy, documentation"
	@echo "make contracts       every contract as wasm, for Secret Network and for other chains"
	@echo "make contracts-test  the wasm in both engines, gas printed (compiles a wasm engine: minutes)"
	@echo "make contracts-gas   the same, measured: writes contracts/GAS.md"
	@echo "make chain-test      the contracts on a real chain of one node (needs Go; compiles a node: minutes)"
	@echo "make chain-demo      the command line by hand on such a chain: a market from the first coin to a claim"
	@echo "make model   fetch the embedding model"

setup:
	@scripts/setup.sh
	@cmp -s scripts/clang++ "$(CXX)" || install -D scripts/clang++ "$(CXX)"

model: setup
	@scripts/model.sh "$(PRAG_MODEL_DIR)"

corpus: setup
	@scripts/corpus.sh "$(CACHE)/corpus/postgresql"

build: setup
	@$(MAKE) --no-print-directory build-now

build-now:
	cargo build --locked --workspace

demo: setup model corpus
	@$(MAKE) --no-print-directory demo-now

demo-now:
	cargo build --locked --package prag-demo
	@scripts/demo.sh "$(CACHE)/corpus/postgresql"

test: setup model
	@$(MAKE) --no-print-directory test-now

test-now:
	cargo test --locked --workspace
	cd contracts && cargo test --locked
	cd contracts && cargo test --locked --package prag-access --package prag-contracts-shell --no-default-features --features prag-access/secret

BENCH_PROFILE ?= release

bench: setup model corpus bench-data
	@$(MAKE) --no-print-directory bench-now

bench-data: setup model
	@scripts/setup.sh bench
	@BENCH_PROFILE="$(BENCH_PROFILE)" scripts/bench-data.sh "$(CACHE)"

bench-now:
	cargo run --locked --profile "$(BENCH_PROFILE)" --package prag-benches -- --corpus "$(CACHE)/corpus/postgresql" \
	  --data "$(CACHE)/data" --rivals "$(CACHE)/rivals" $(BENCH)

contracts:
	@scripts/setup.sh contracts
	@scripts/contracts.sh

contracts-test: contracts
	cd contracts && cargo test --locked --package prag-contracts-gate --package prag-contracts-vm -- --nocapture

contracts-gas: contracts
	cd contracts && cargo run --locked --quiet --package prag-contracts-vm --bin gas

contracts-schema: setup
	cd contracts && cargo run --locked --quiet --package prag-contracts-schema

# The contracts, and a worker that obeys them, on a real chain of one node, built with Go (scripts/chain-test.sh).
chain-test: setup model
	@scripts/chain-test.sh

# The same chain, and the command line on it as a person types it (scripts/chain-demo.sh).
chain-demo: setup model
	cargo build --locked --package prag-demo
	@scripts/chain-demo.sh

lint: setup
	@$(MAKE) --no-print-directory lint-now

lint-now:
	cargo fmt --all --check
	cd contracts && cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd contracts && cargo clippy --locked --all-targets -- -D warnings
	cd contracts && cargo clippy --locked --package prag-access --all-targets --no-default-features --features secret -- -D warnings
	cd contracts && cargo clippy --locked --package prag-workers --no-default-features --features secret -- -D warnings
	cd contracts && cargo clippy --locked --package prag-rewards --no-default-features --features secret -- -D warnings
	cd contracts && cargo clippy --locked --package prag-subscription --no-default-features --features secret -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
