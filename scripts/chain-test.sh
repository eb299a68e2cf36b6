#!/usr/bin/env bash
# All four contracts on a real chain: builds one wasmd node from its Go module, starts a chain of one validator in a
# temporary folder, and runs client/cosmos/tests/chain, tests/tests/ledgers and the chain's part of tests/tests/market
# against it.
#
# Needs Go (1.24 or later) and the contracts' wasm for chains other than Secret (make contracts, or PRAG_CHAIN_WASM=DIR).
# Without them it fails. PRAG_CHAIN_RECORD=DIR keeps what the node proved, as
# files for client/cosmos/vectors.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
  echo "chain-test: not run: $1" >&2
  exit 1
}

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || missing "Go is not installed"
wasm=${PRAG_CHAIN_WASM:-target/wasm}
lacks=()
for contract in access workers subscription rewards; do
  [ -f "$wasm/$contract-cosmwasm.wasm" ] || lacks+=("$wasm/$contract-cosmwasm.wasm")
done
[ ${#lacks[@]} = 0 ] || missing "there is no $(printf '%s, ' "${lacks[@]}" | sed 's/, $//'): run make contracts first"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/prag
wasmd=$cache/chain/wasmd
mkdir -p "$cache/chain"
# Go's own cache decides what has to be compiled again: nothing, the second time.
(cd tests/chain && go build -trimpath -ldflags='-s -w' -o "$wasmd" github.com/CosmWasm/wasmd/cmd/wasmd)

home=$(mktemp -d)
node=
stop() {
  [ -z "$node" ] || { kill "$node" 2>/dev/null && wait "$node" 2>/dev/null; } || true
  rm -rf "$home"
}
trap stop EXIT

chain=prag-chain-test
run() { "$wasmd" --home "$home" "$@" >>"$home/setup.log" 2>&1 || { cat "$home/setup.log" >&2; exit 1; }; }
key() { run keys import-hex "$1" "$2" --keyring-backend test; }
# The keys that the tests know: two accounts that have money to begin with. They hold nothing outside this folder.
owner=$(printf '0b%.0s' {1..32})
worker=$(printf '0d%.0s' {1..32})

run init prag --chain-id $chain --default-denom ustake
key owner "$owner"
key worker "$worker"
run genesis add-genesis-account owner 1000000000000ustake --keyring-backend test
run genesis add-genesis-account worker 1000000000ustake --keyring-backend test
run genesis gentx owner 500000000000ustake --chain-id $chain --keyring-backend test
run genesis collect-gentxs

rpc=${PRAG_CHAIN_PORT:-26757}
# Short blocks; nothing but the RPC listens beyond what the node itself needs, and all of it on this machine.
sed -i -e 's/^timeout_commit = .*/timeout_commit = "500ms"/' \
  -e "s#^laddr = \"tcp://127.0.0.1:26657\"#laddr = \"tcp://127.0.0.1:$rpc\"#" \
  -e 's#^laddr = "tcp://0.0.0.0:26656"#laddr = "tcp://127.0.0.1:0"#' \
  -e 's#^pprof_laddr = .*#pprof_laddr = ""#' "$home/config/config.toml"
sed -i -e 's/^minimum-gas-prices = .*/minimum-gas-prices = "0.025ustake"/' "$home/config/app.toml"

# Simulations are answered only where gRPC is on, though nobody asks for them there.
"$wasmd" --home "$home" start --api.enable=false --grpc-web.enable=false --grpc.address "127.0.0.1:$((rpc + 1))" >"$home/node.log" 2>&1 &
node=$!
for _ in $(seq 100); do
  status=$(curl -s "http://127.0.0.1:$rpc/status" || true)
  height=$(sed -n 's/.*"latest_block_height":"\([0-9]*\)".*/\1/p' <<<"$status")
  [ "${height:-0}" -ge 3 ] && break
  kill -0 "$node" 2>/dev/null || { tail -20 "$home/node.log" >&2; exit 1; }
  sleep 0.3
done
echo "chain-test: wasmd $(sed -n 's#.*CosmWasm/wasmd \(v[0-9.]*\).*#\1#p' tests/chain/go.mod) at height ${height:-0}, contracts of $wasm"

export PRAG_CHAIN_RPC=http://127.0.0.1:$rpc PRAG_CHAIN_ID=$chain PRAG_CHAIN_WASM
PRAG_CHAIN_WASM=$(realpath "$wasm")
cargo test --locked --package prag-cosmos --features chain --test chain -- --nocapture --test-threads=1
# A worker's whole story, on this chain and on its own ledger.
cargo test --locked --package prag-tests --features chain --test ledgers -- --nocapture --test-threads=1
# Its part in the market there: registered, metered, reported, paid; and everybody's own transactions.
cargo test --locked --package prag-tests --features chain --test market -- --nocapture --test-threads=1 on_a_chain
