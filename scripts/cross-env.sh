#!/usr/bin/env bash
# What the checks for Windows and macOS share: Debian's Rust, which brings its library sources, and one folder for
# everything built, target-cross/: programs that run while building are the same for both and are built once.
# Sourced by check-windows.sh and check-macos.sh at the top of the repository; does nothing by itself.
#
# rustup's compiler has no library for these targets without a download of its own, so the standard library is built from
# Debian's `rust-web-src`. That needs unstable cargo options, hence RUSTC_BOOTSTRAP for these commands only.

# shellcheck disable=SC2034  # read by the scripts that source this file
cross_dir=$PWD/target-cross

# cross_cargo TARGET [NAME=VALUE…] VERB [ARGUMENT…]
cross_cargo() {
  local target=$1 settings=()
  shift
  while [[ $1 == *=* ]]; do
    settings+=("$1")
    shift
  done
  local verb=$1
  shift
  # With the features of the whole workspace, whichever crate is asked for, so that nothing is built in two flavours.
  env \
    PATH="/usr/bin:$PATH" \
    RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_DIR="$cross_dir" \
    CARGO_PROFILE_DEV_DEBUG=0 \
    CARGO_INCREMENTAL=0 \
    CARGO_RESOLVER_FEATURE_UNIFICATION=workspace \
    "${settings[@]}" \
    /usr/bin/cargo "$verb" -Zbuild-std=std,panic_abort -Zfeature-unification --target "$target" "$@"
}

# Leaves with 77, which a test run counts as skipped, and says why.
skip() {
  echo "SKIPPED: $1"
  exit 77
}

# need SYSTEM CARGO: packages, the page that the window embeds, and every crate.
need() {
  local said
  said=$(node scripts/packages.mjs "$1" 2>&1) || skip "the compiler for $1 cannot be had here: $said"
  if [ ! -e ui/dist/index.html ]; then
    node --input-type=module -e 'import { nodeModules } from "./scripts/prepare.mjs"; await nodeModules();'
    npm run --silent ui:build
  fi
  if ! said=$("$2" fetch --locked 2>&1); then
    # A lock file that does not fit is our own mistake.
    case $said in *"lock file"*) ;; *) skip "crates cannot be had here: $said" ;; esac
    echo "$said" >&2
    exit 1
  fi
}
