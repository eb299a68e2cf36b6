#!/usr/bin/env bash
# Room on disk before a build: `room.sh TARGET`. A target folder that outlives its checkouts keeps artefacts of each of
# their paths. Where less than what a build needs is free, those that are ours go: first what speeds up edits, then
# programs, which are linked again. Other people's crates, most of a cold build, stay.
set -euo pipefail

target=$1
need=12 # GiB: one checkout's artefacts of both workspaces, and what the tests write
mkdir -p "$target"
free() { df -k --output=avail "$target" | tail -1 | awk '{print int($1 / 1048576)}'; }

if [ "$(free)" -lt $need ]; then
  rm -rf "$target"/*/incremental
fi
if [ "$(free)" -lt $need ]; then
  find "$target" -type f -size +8M -path '*/debug/*' ! -name '*.rlib' ! -name '*.rmeta' ! -name '*.so' ! -name '*.a' -delete
fi
if [ "$(free)" -lt $need ]; then
  echo "$(free) GiB are free at $target; build and tests take up to $need" >&2
fi
