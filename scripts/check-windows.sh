#!/usr/bin/env bash
# Builds the whole workspace, window included, for Windows and runs its headless half under wine.
#
#   scripts/check-windows.sh            build, link, run
#   scripts/check-windows.sh --build    build and link only
#
# Proves that Windows code compiles, links and, where no window is needed, works: TLS 1.3, the credential store,
# sound through WASAPI, a visitor in a meeting of a host on this machine. wine is not Windows and there is no WebView2
# in it: a release still needs a real Windows. Exits 77 with the reason when the tools cannot be had.
# Writes into target-cross/ and target/, runs everything on loopback and stops what it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/windows-env.sh
. scripts/windows-env.sh
# shellcheck source=scripts/windows-run.sh
. scripts/windows-run.sh

passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok       windows: $1"; }
bad() { failed=$((failed + 1)); echo "FAILED   windows: $1"; }
leave() { skipped=$((skipped + 1)); echo "SKIPPED  windows: $1"; }
finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}

need windows windows_cargo

echo "== build and link (target-cross/)"
# With real devices, so that the visitor can be asked for this system's sound.
if windows_cargo build --workspace --features inspection/real-devices --locked; then
  ok "the workspace builds and links, the window too"
else
  bad "the workspace does not build"
  finish
  exit 1
fi
if [ "${1:-}" != --build ]; then
  echo "== run (wine)"
  run_headless_half
fi
finish
