#!/usr/bin/env bash
# Type-checks the whole workspace, window, devices and tests included, for macOS (aarch64-apple-darwin).
# Proves that our Rust compiles there and nothing else: C libraries are not looked at, nothing is linked or run.
# Exits 77 with the reason when the tools cannot be had. Writes only into target-cross/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/macos-env.sh
. scripts/macos-env.sh

need macos macos_cargo
if macos_cargo check --workspace --all-targets --features inspection/real-devices --locked; then
  echo "ok       macos: the workspace type-checks, the window too"
  echo "1 passed, 0 failed, 0 skipped"
else
  echo "FAILED   macos: the workspace does not type-check"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
