#!/usr/bin/env bash
# The checking compiler for macOS: Debian's Rust with its library sources; C goes through macos-cc.sh.
# Sourced by check-macos.sh. Nothing is linked, so no Apple SDK is needed.

macos_cargo() {
  local verb=$1
  shift
  env \
    PATH="/usr/bin:$PATH" \
    RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 \
    CC_aarch64_apple_darwin="$PWD/scripts/macos-cc.sh" \
    CXX_aarch64_apple_darwin="$PWD/scripts/macos-cc.sh" \
    AR_aarch64_apple_darwin="$(command -v llvm-ar || ls /usr/bin/llvm-ar-* | tail -1)" \
    CMAKE_GENERATOR_aarch64_apple_darwin="Unix Makefiles" \
    SDKROOT="$PWD/target-macos/sdk" \
    SHOJI_MACOS="$PWD/target-macos" \
    CARGO_TARGET_DIR="$PWD/target-macos" \
    CARGO_PROFILE_DEV_DEBUG=0 \
    CARGO_INCREMENTAL=0 \
    /usr/bin/cargo "$verb" -Zbuild-std=std,panic_abort --target aarch64-apple-darwin "$@"
}
