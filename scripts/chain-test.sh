#!/usr/bin/env bash
# All four contracts on a real chain: starts a chain of one validator (scripts/chain-node.sh), and runs
# client/cosmos/tests/chain, tests/tests/ledgers and the chain's part of tests/tests/market against it.
#
# PRAG_CHAIN_RECORD=DIR keeps what the node proved, as files for client/cosmos/vectors.
set -euo pipefail
cd "$(dirname "$0")/.."

name=chain-test
# shellcheck source=scripts/chain-node.sh
. scripts/chain-node.sh

export PRAG_CHAIN_RPC=$node_url PRAG_CHAIN_ID=$chain PRAG_CHAIN_WASM=$wasm
cargo test --locked --package prag-cosmos --features chain --test chain -- --nocapture --test-threads=1
# A worker's whole story, on this chain and on its own ledger.
cargo test --locked --package prag-tests --features chain --test ledgers -- --nocapture --test-threads=1
# Its part in the market there: registered, metered, reported, paid; and everybody's own transactions.
cargo test --locked --package prag-tests --features chain --test market -- --nocapture --test-threads=1 on_a_chain
