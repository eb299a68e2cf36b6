# A chain of one validator in a temporary folder. To be sourced from the repository's root by a script that has set `-euo
# pipefail`, and that says in $name who it is.
#
# Needs Go (1.24 or later) and the contracts' wasm for chains other than Secret (make contracts, or PRAG_CHAIN_WASM=DIR).
# Without them it ends the script. Sets: chain, rpc (a port), node_url, wasm, home, wasmd. The keys `owner` and `worker`
# have money; `owner` is all the validators. At the end of the script the node stops and its folder goes.

missing() {
  echo "$name: not run: $1" >&2
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
wasm=$(realpath "$wasm")

cache=${XDG_CACHE_HOME:-$HOME/.cache}/prag
wasmd=$cache/chain/wasmd
mkdir -p "$cache/chain"
# Go's own cache decides what has to be compiled again: nothing, the second time.
(cd tests/chain && go build -trimpath -ldflags='-s -w' -o "$wasmd" github.com/CosmWasm/wasmd/cmd/wasmd)

home=$(mktemp -d)
node=
stop_node() {
  [ -z "$node" ] || { kill "$node" 2>/dev/null && wait "$node" 2>/dev/null; } || true
  rm -rf "$home"
}
trap stop_node EXIT

chain=prag-chain-test
run_node() { "$wasmd" --home "$home" "$@" >>"$home/setup.log" 2>&1 || { cat "$home/setup.log" >&2; exit 1; }; }
key() { run_node keys import-hex "$1" "$2" --keyring-backend test; }

run_node init prag --chain-id $chain --default-denom ustake
# The keys that the tests know: two accounts that have money to begin with. They hold nothing outside this folder.
key owner "$(printf '0b%.0s' {1..32})"
key worker "$(printf '0d%.0s' {1..32})"
run_node genesis add-genesis-account owner 1000000000000ustake --keyring-backend test
run_node genesis add-genesis-account worker 1000000000ustake --keyring-backend test
run_node genesis gentx owner 500000000000ustake --chain-id $chain --keyring-backend test
run_node genesis collect-gentxs

rpc=${PRAG_CHAIN_PORT:-26757}
node_url=http://127.0.0.1:$rpc
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
  status=$(curl -s "$node_url/status" || true)
  height=$(sed -n 's/.*"latest_block_height":"\([0-9]*\)".*/\1/p' <<<"$status")
  [ "${height:-0}" -ge 3 ] && break
  kill -0 "$node" 2>/dev/null || { tail -20 "$home/node.log" >&2; exit 1; }
  sleep 0.3
done
echo "$name: wasmd $(sed -n 's#.*CosmWasm/wasmd \(v[0-9.]*\).*#\1#p' tests/chain/go.mod) at height ${height:-0}, contracts of $wasm"
