#!/usr/bin/env bash
# The main job, end to end, on real documents. Usage: demo.sh CORPUS_FOLDER
set -euo pipefail

corpus=$1
target=${CARGO_TARGET_DIR:-target}/debug
state=$(mktemp -d "${TMPDIR:-/tmp}/prag-demo.XXXXXX")
port=${PRAG_DEMO_PORT:-7979}
export PRAG_URL=http://127.0.0.1:$port PRAG_HOME=$state/owner
server=

finish() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
}
trap finish EXIT

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\033[2m$ prag %s\033[0m\n' "$*"; "$target/prag-sim" "$@"; }
quiet() { "$target/prag-sim" "$@" 2>/dev/null; }
as_reader() { PRAG_HOME=$state/reader "$@"; }
refused() {
  if as_reader run context "$id" "$1" --budget 600; then
    echo "expected a refusal" >&2
    exit 1
  fi
  echo "   (refused, as it must be)"
}
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
start() {
  PRAG_LOG=warn "$target/prag-server-sim" serve --dev --listen "127.0.0.1:$port" --data "$state/worker" &
  server=$!
  for _ in $(seq 1 200); do
    curl -fs "$PRAG_URL/readyz" >/dev/null 2>&1 && return
    kill -0 "$server" 2>/dev/null || { echo "the worker did not start" >&2; exit 1; }
    sleep 0.1
  done
  echo "the worker did not become ready" >&2
  exit 1
}

questions=(
  "How do I create an index on only part of a table?"
  "What is the difference between read committed and serializable isolation?"
  "How can I take a consistent backup of one database while it is in use?"
)

say "a worker on the embedded defaults: RocksDB, embedded ledger, simulated TEE"
start
run attest

say "an owner, and a reader who owns nothing"
run keys new
as_reader run keys new
reader=$(as_reader quiet keys show --json | field address)

say "seal $(find "$corpus" -name '*.html' | wc -l) pages of PostgreSQL's manual on the owner's machine"
run seal "$corpus" -o "$state/manual.sealed"

say "a collection, and the sealed corpus into it"
run collection create manual
id=$(quiet collection show manual --json | field id)
run add manual "$state/manual.sealed"
run collection show manual
du -sh "$corpus" "$state/manual.sealed" "$state/worker" | sed "s#$state/##"

say "three questions"
for question in "${questions[@]}"; do
  run context manual "$question" --budget 600
done
quiet context manual "${questions[0]}" --budget 600 --receipt "$state/answer.receipt" --json >"$state/before.json"

say "the reader has no grant"
refused "${questions[0]}"

say "a grant"
run grant manual "$reader" --max-k 10 --expires 1d
as_reader run context "$id" "${questions[0]}" --budget 300

say "revoked"
run revoke manual "$reader"
refused "${questions[0]}"

say "kill -9; the first answer's receipt is checked without the worker"
kill -9 "$server"
wait "$server" 2>/dev/null || true
run receipt verify "$state/answer.receipt"

say "start again, ask again"
start
quiet context manual "${questions[0]}" --budget 600 --json >"$state/after.json"
if cmp -s "$state/before.json" "$state/after.json"; then
  echo "the same answer, byte for byte"
else
  echo "the answer changed" >&2
  exit 1
fi

say "what next"
cat <<TEXT
The demo's worker stops now; its state stays in $state until you delete it. Go on with it:
  export PRAG_URL=$PRAG_URL PRAG_HOME=$PRAG_HOME
  $target/prag-server-sim serve --dev --listen 127.0.0.1:$port --data $state/worker &
  $target/prag-sim query manual "vacuum" -k 3
  $target/prag-sim add manual your/own/folder
  $target/prag-sim doctor
API documentation, while a worker runs: $PRAG_URL/docs
TEXT
