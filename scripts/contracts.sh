#!/usr/bin/env bash
# Contracts as wasm: every contract once for each standard library, to target/wasm/<contract>-<library>.wasm.
#
# Chains run WebAssembly's first version only, so the standard library is compiled for it too (-Zbuild-std): rustup's
# ready-made one for wasm32 holds later instructions. That needs its source: rustup's component rust-src, or Debian's
# rustc-web, cargo-web and rust-web-src, which stand beside rustup and do not shadow it.
set -euo pipefail
cd "$(dirname "$0")/.."

contracts=(access workers rewards subscription)
libraries=(secret cosmwasm)

out=$PWD/target/wasm
build=${CARGO_TARGET_DIR:-$PWD/contracts/target}
target=wasm32-unknown-unknown
source_in() { [ -d "$1/lib/rustlib/src/rust/library/std" ]; }

host=$(rustc --print sysroot)
if source_in "$host"; then
  cargo=cargo rustc=rustc sysroot=$host
elif source_in /usr && [ -x /usr/bin/rustc ]; then
  cargo=/usr/bin/cargo rustc=/usr/bin/rustc sysroot=/usr
else
  echo "the standard library's source is missing: rustup component add rust-src, then run make again" >&2
  exit 1
fi
triple=$($rustc -vV | sed -n 's/^host: //p')
linker=$(find "$sysroot/bin" "$sysroot/lib/rustlib/$triple/bin" "$host/lib/rustlib/$triple/bin" -name rust-lld -exec test -x {} \; -print 2>/dev/null | head -1)
[ -n "$linker" ] || { echo "no rust-lld beside $rustc or rustup's rustc" >&2; exit 1; }

# One set of flags for all builds, so that the standard library is compiled once. No path of this machine reaches the
# bytes that a chain stores, nor does a place in the source. The hash is the same for the same source, compiler and
# folder of the checkout: cargo mixes that folder into symbols, and symbols decide the order of functions.
flags=(
  -Ctarget-cpu=mvp
  -Zlocation-detail=none
  "-Clinker=$linker"
  -Clink-arg=--allow-undefined
  "--remap-path-prefix=$PWD=/prag"
  "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates"
  "--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust"
)
export CARGO_ENCODED_RUSTFLAGS
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}")
export RUSTC=$rustc RUSTC_BOOTSTRAP=1
unset RUSTFLAGS RUSTUP_TOOLCHAIN

mkdir -p "$out"
for library in "${libraries[@]}"; do
  for contract in "${contracts[@]}"; do
    wasm=$out/$contract-$library.wasm
    # A crate type of its own: ["cdylib", "rlib"] in the manifest would switch link-time optimisation off.
    (cd contracts && "$cargo" rustc --locked --quiet --package "prag-$contract" --lib --crate-type cdylib \
      --profile wasm --no-default-features --features "$library" --target $target -Zbuild-std=std,panic_abort)
    # The optimiser also splits what no chain would take: functions of more than 100 locals.
    wasm-opt -Oz --mvp-features "$build/$target/wasm/prag_$contract.wasm" -o "$wasm"
    wasm-validate --disable-bulk-memory --disable-multi-value --disable-reference-types --disable-simd \
      --disable-saturating-float-to-int "$wasm"
  done
done

printf '%-26s %10s %10s  %s\n' contract bytes gzip 'sha256 of the wasm'
for library in "${libraries[@]}"; do
  for contract in "${contracts[@]}"; do
    wasm=$out/$contract-$library.wasm
    printf '%-26s %10d %10d  %s\n' "$contract-$library" "$(stat -c %s "$wasm")" "$(gzip -9nc "$wasm" | wc -c)" \
      "$(sha256sum "$wasm" | cut -d' ' -f1)"
  done
done
echo "compiled by $($rustc --version)"
