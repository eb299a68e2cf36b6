#!/usr/bin/env bash
# System packages that the build needs: installs only what is missing. `setup.sh contracts`: what wasm needs, too;
# `setup.sh bench`: what an environment of Python packages needs.
set -euo pipefail

need=()
have() { command -v "$1" >/dev/null 2>&1; }
have cc || need+=(build-essential)
have clang || need+=(clang)
ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 || need+=(libclang-dev)
have ccache || need+=(ccache)
have pkg-config || need+=(pkg-config)
have python3 || need+=(python3)
python3 -m pip --version >/dev/null 2>&1 || need+=(python3-pip)
have curl || need+=(curl)
if [ "${1:-}" = bench ]; then
  python3 -c 'import ensurepip' 2>/dev/null || need+=(python3-venv)
fi

# Wasm needs the standard library's source (scripts/contracts.sh says why): Debian's, or rustup's component.
if [ "${1:-}" = contracts ]; then
  have wasm-opt || need+=(binaryen)
  have wasm-validate || need+=(wabt)
  sysroot=$(rustc --print sysroot 2>/dev/null || echo /usr)
  if [ ! -d "$sysroot/lib/rustlib/src/rust/library/std" ] && [ ! -d /usr/lib/rustlib/src/rust/library/std ]; then
    if apt-cache show rustc-web >/dev/null 2>&1; then
      need+=(rustc-web cargo-web rust-web-src)
    else
      rustup component add rust-src
    fi
  fi
fi

if [ ${#need[@]} -gt 0 ]; then
  echo "installing: ${need[*]}"
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${need[@]}" >/dev/null
fi

if ! have cargo; then
  echo "Rust is missing: install it from https://rustup.rs, then run make again" >&2
  exit 1
fi
