#!/usr/bin/env bash
# `prag` by hand on a real chain: a chain of one validator (scripts/chain-node.sh), the four contracts put there by the
# chain's own tool, a worker with a simulated TEE that obeys them, and every command of its market as a person types it.
# README, "A market on a chain, by hand", has the same settings and commands.
set -euo pipefail
cd "$(dirname "$0")/.."

name=chain-demo
# shellcheck source=scripts/chain-node.sh
. scripts/chain-node.sh

target=${CARGO_TARGET_DIR:-target}/debug
port=${PRAG_DEMO_PORT:-7989}
export PRAG_URL=http://127.0.0.1:$port
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  stop_node
}
trap stop EXIT

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
as() { PRAG_HOME=$home/$1 "$target/prag-sim" "${@:2}"; }
# As somebody, shown; what it says is kept in $said.
run() {
  printf '\033[2m%s$ prag %s\033[0m\n' "$1" "${*:2}"
  said=$(as "$@" 2>&1 | grep -v "^SIMULATED TEE") || { echo "$said"; echo "$name: that failed" >&2; exit 1; }
  echo "$said"
}
shows() { grep -Fq -- "$1" <<<"$said" || { echo "$name: it does not show: $1" >&2; exit 1; }; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# Tries for some minutes.
until_true() {
  for _ in $(seq 480); do
    "$@" && return
    sleep 0.5
  done
  echo "$name: in vain: $*" >&2
  exit 1
}

# A transaction by the chain's own tool, out of the account `owner`, once it is in a block.
tx() {
  local hash
  hash=$("$wasmd" --home "$home" tx "$@" --from owner --keyring-backend test --chain-id $chain --node "tcp://127.0.0.1:$rpc" \
    --gas auto --gas-adjustment 1.5 --gas-prices 0.025ustake --yes --output json 2>>"$home/setup.log" | field txhash)
  until_true eval "\"\$wasmd\" query tx $hash --node tcp://127.0.0.1:$rpc --output json >'$home/tx.json' 2>>'$home/setup.log'"
  [ "$(field code <"$home/tx.json")" = 0 ] || { field raw_log <"$home/tx.json" >&2; exit 1; }
}
# What an event of the last transaction says.
told() {
  python3 - "$1" "$home/tx.json" <<'PY'
import json, sys
for event in json.load(open(sys.argv[2]))["events"]:
    for one in event["attributes"]:
        if one["key"] == sys.argv[1]:
            print(one["value"])
            sys.exit()
PY
}
# NAME MESSAGE: stores a contract and makes one of it without an administrator. Prints its address.
deploy() {
  tx wasm store "$wasm/$1-cosmwasm.wasm"
  tx wasm instantiate "$(told code_id)" "$2" --label "prag $1" --no-admin
  told _contract_address
}
hash_of() { sha256sum "$wasm/$1-cosmwasm.wasm" | cut -d' ' -f1; }
# The address of an identity as this chain spells it.
there() {
  local hex
  hex=$("$wasmd" keys parse "$1" --output json 2>/dev/null | field bytes)
  "$wasmd" keys parse "$hex" --output json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["formats"][0])'
}
start() {
  PRAG_LOG=${PRAG_LOG:-prag_server=info} "$target/prag-server-sim" serve --config "$home/worker.toml" >>"$home/worker.log" 2>&1 &
  server=$!
  until_true eval "curl -fs $PRAG_URL/readyz >/dev/null 2>&1 || ! kill -0 $server 2>/dev/null"
  kill -0 "$server" 2>/dev/null || { tail -20 "$home/worker.log" >&2; exit 1; }
}

say "an operator, an owner and a reader, each with money on the chain"
declare -A own account
for who in operator owner reader; do
  run "$who" keys new
  own[$who]=$(as "$who" keys show --json 2>/dev/null | field address)
  account[$who]=$(there "${own[$who]}")
  tx bank send owner "${account[$who]}" 100000000ustake
  echo "on this chain: ${account[$who]}"
done

say "the access contract, and a worker that obeys it"
access=$(deploy access '{}')
hash=$(curl -s "$node_url/commit?height=2" | python3 -c 'import json,sys
print(json.load(sys.stdin)["result"]["signed_header"]["commit"]["block_id"]["hash"].lower())')
cat >"$home/worker.toml" <<TOML
listen = "127.0.0.1:$port"
data = "$home/worker-data"
[metering]
credit = 4
[ledger]
kind = "cosmos"
chain_id = "$chain"
prefix = "wasm"
contract = "$access"
code_hash = "$(hash_of access)"
nodes = ["$node_url"]
trusted = { height = 2, hash = "$hash" }
trusting_period_s = 86400
gas_price = { micro = 25000, denom = "ustake" }
TOML
start
run operator attest
ledger=$(as operator attest --json 2>/dev/null | field ledger_id)
worker=$(grep -o 'wasm1[0-9a-z]*' "$home/worker.log" | grep -v "$access" | head -1)
tx bank send owner "$worker" 200000000ustake
echo "the worker's account: $worker"

say "the market's contracts, and the worker's part in them"
subscription=$(deploy subscription '{}')
workers=$(deploy workers '{
  "admin": "'"${account[operator]}"'",
  "parties": {"rewards": null, "treasury": "'"${account[operator]}"'", "approver": "'"${account[operator]}"'"},
  "terms": {"denom": "ustake", "stake_per_capacity": "5000000", "window_seconds": 60, "evidence_seconds": 86400,
    "timelock_seconds": 1, "unbonding_seconds": 1, "missed_ppm": 10000, "attested_only": false, "approved_only": true}}')
rewards=$(deploy rewards '{
  "rewards": {"ledger": "'"$ledger"'", "denom": "ustake", "epoch_seconds": 60, "config": {
    "treasury": "'"${account[operator]}"'", "fee_bps": 500, "royalty_bps": 2000, "uptime_bps": 1000, "query_weight": 10,
    "chunk_weight": 2, "embedded_weight": 1, "bond": "1000000", "deposit": "10000", "bounty_bps": 4000,
    "slash_ppm": 100000, "report_seconds": 30, "challenge_seconds": 12, "claim_seconds": 600}},
  "access": {"address": "'"$access"'"}, "workers": {"address": "'"$workers"'"}}')
# Who makes these two is their admin: the operator is named, and accepts below.
tx wasm execute "$rewards" '{"set_admin":{"admin":"'"${account[operator]}"'"}}'
tx wasm execute "$subscription" '{"set_admin":{"public_address":"'"${account[operator]}"'"}}'
cat >>"$home/worker.toml" <<TOML
[ledger.market]
workers = { contract = "$workers", code_hash = "$(hash_of workers)" }
subscription = { contract = "$subscription", code_hash = "$(hash_of subscription)" }
rewards = { contract = "$rewards", code_hash = "$(hash_of rewards)" }
[market.worker]
check_s = 5
TOML
kill "$server" && wait "$server" 2>/dev/null || true
start
# Its settings are others now: whoever trusted the worker before says that it knows.
run operator attest --accept

say "the operator takes the market over, and offers a plan"
run operator ledger accept rewards
run operator ledger accept subscription
run operator subscribe offer 1 --price 0.5 --units 1000
run operator ledger status
shows "${account[operator]}"

say "the worker registers, and is approved"
run operator worker register
shows "registered $PRAG_URL"
run operator ledger workers
shows "waits to be confirmed"
run operator evidence verify --worker "$worker"
shows "waits to be confirmed"
seen=$(as operator evidence verify --worker "$worker" --json 2>/dev/null)
claim() { python3 -c 'import json,sys; print(json.load(sys.stdin)["claims"][sys.argv[1]])' "$1" <<<"$seen"; }
run operator worker image approve "$(claim image)"
sleep 3
run operator worker image list
shows effective
run operator worker approve "$worker" "$(claim evidence)" "$(claim image)"
run operator ledger workers
shows live
run operator worker heartbeat || true

say "the owner keeps something, and lets the reader ask"
mkdir -p "$home/notes"
echo "Backups run at two in the morning, and are kept for thirty days." >"$home/notes/backups.md"
echo "The office closes at six." >"$home/notes/office.md"
run owner collection create notes
id=$(as owner collection show notes --json 2>/dev/null | field id)
run owner add notes "$home/notes"
run owner query notes "when do backups run?" -k 1
run owner grant notes "${account[reader]}" --max-k 10 --expires 1d
run owner ledger grants
shows "${own[reader]}"

say "the reader subscribes"
run reader subscribe plans
run reader subscribe to 1
run reader subscribe status
shows true

say "an epoch is paid for, and used"
run owner ledger fund 2
epoch=$(as owner ledger status --json 2>/dev/null | field epoch)
run reader query "$id" "when do backups run?" -k 1
shows "two in the morning"
run reader query "$id" "when does the office close?" -k 1
run reader ledger usage
run owner ledger rewards --epoch "$epoch"
shows "2 STAKE"

say "the worker reports it in the next epoch, closes it, and is paid"
closed() { as owner ledger rewards --epoch "$epoch" --json 2>/dev/null | python3 -c 'import json,sys; sys.exit(not json.load(sys.stdin)["record"]["split"])'; }
until_true closed
run owner ledger rewards --epoch "$epoch"
run owner ledger claim --epoch "$epoch"
run operator ledger status

say "the owner sells grants, and the operator buys one; a delegate grants"
run owner price notes --amount 0.25 --for 1d --quota 10
run operator price "$id"
shows "0.25 STAKE"
run operator buy "$id" --at-most 0.25
run operator query "$id" "when do backups run?" -k 1
shows "two in the morning"
run owner grants notes
shows bought
run owner grant notes "${account[reader]}" --max-k 10 --expires 1d --delegate 1
friend=$(as friend keys new >/dev/null 2>&1; as friend keys show --json 2>/dev/null | field address)
run reader grant "$id" "$friend" --max-k 5 --expires 10h
run friend query "$id" "when does the office close?" -k 1
shows "at six"
run owner revoke notes "${account[reader]}"

say "what is refused, says why"
refused() {
  printf '\033[2m%s$ prag %s\033[0m\n' "$1" "${*:2}"
  ! as "$@" || { echo "$name: expected a refusal" >&2; exit 1; }
}
refused owner ledger faucet
refused friend query "$id" "when does the office close?" -k 1
refused reader buy "$id"
run reader ledger claim --epoch "$epoch"
refused owner worker approve "$worker" "$(claim evidence)" "$(claim image)"
run operator worker image retire "$(claim image)"
refused operator worker approve "$worker" "$(claim evidence)" "$(claim image)"
run operator ledger workers
echo
echo "$name: done"
