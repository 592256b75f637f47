#!/usr/bin/env bash
# The checking compiler for macOS: Debian's Rust; C goes through macos-cc.sh. Nothing is linked, so no Apple SDK is needed.
# Sourced by check-macos.sh; says nothing and installs nothing.
# shellcheck source=scripts/cross-env.sh
. scripts/cross-env.sh

macos_cargo() {
  mkdir -p "$cross_dir/no-sdk"
  cross_cargo aarch64-apple-darwin \
    CC_aarch64_apple_darwin="$PWD/scripts/macos-cc.sh" \
    CXX_aarch64_apple_darwin="$PWD/scripts/macos-cc.sh" \
    AR_aarch64_apple_darwin="$(command -v llvm-ar || ls /usr/bin/llvm-ar-* | tail -1)" \
    CMAKE_GENERATOR_aarch64_apple_darwin="Unix Makefiles" \
    SDKROOT="$cross_dir/no-sdk" \
    "$@"
}
