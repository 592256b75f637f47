#!/usr/bin/env bash
# Type-checks the whole workspace, window included, for macOS (aarch64-apple-darwin).
# Proves that the code compiles there and nothing else: nothing is linked or run. Exits 77 with the reason when the
# tools cannot be had. Writes only into target-macos/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/macos-env.sh
. scripts/macos-env.sh

if ! reason=$(node scripts/packages.mjs macos 2>&1); then
  echo "SKIPPED: the checking compiler for macOS cannot be had here: $reason"
  exit 77
fi
mkdir -p target-macos/sdk
if [ ! -e target-macos/python/.done ]; then
  # Only Apple's public C headers are taken from this wheel; its compiler is not used.
  if ! reason=$(python3 -m venv --clear target-macos/python 2>&1 &&
    target-macos/python/bin/python -m pip install --quiet --disable-pip-version-check 'ziglang==0.13.0' 2>&1); then
    echo "SKIPPED: Apple's C headers (PyPI ziglang) cannot be had here: $reason"
    exit 77
  fi
  touch target-macos/python/.done
fi

if [ ! -e ui/dist/index.html ]; then npm run --silent ui:build; fi
: >target-macos/stubbed.log
macos_cargo fetch --locked
if macos_cargo check --workspace --all-targets --features inspection/real-devices --locked; then
  stubs=$(sort -u target-macos/stubbed.log | wc -l)
  echo "ok       macos: the workspace type-checks, the window too ($stubs C objects were left empty, see target-macos/stubbed.log)"
  echo "1 passed, 0 failed, 0 skipped"
else
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
