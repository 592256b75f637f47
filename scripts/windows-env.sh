#!/usr/bin/env bash
# The cross compiler for Windows: Debian's Rust, which brings its library sources, and mingw-w64 with POSIX threads.
# Sourced by check-windows.sh; says nothing and installs nothing.
#
# rustup's compiler has no Windows target without a download of its own, so the standard library is built from
# Debian's `rust-web-src`. That needs unstable cargo options, hence RUSTC_BOOTSTRAP for these commands only.

# shellcheck disable=SC2034  # read by the scripts that source this file
windows_target=x86_64-pc-windows-gnu

windows_cargo() {
  local verb=$1
  shift
  env \
    PATH="/usr/bin:$PATH" \
    RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 \
    CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-posix \
    CXX_x86_64_pc_windows_gnu=x86_64-w64-mingw32-g++-posix \
    AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER="$PWD/scripts/windows-link.sh" \
    CARGO_TARGET_DIR="${CARGO_TARGET_DIR_WINDOWS:-$PWD/target-windows}" \
    CARGO_PROFILE_DEV_DEBUG=0 \
    CARGO_INCREMENTAL=0 \
    /usr/bin/cargo "$verb" -Zbuild-std=std,panic_abort --target "$windows_target" "$@"
}
