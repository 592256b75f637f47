#!/usr/bin/env bash
# The cross compiler for Windows: Debian's Rust and mingw-w64 with POSIX threads.
# Sourced by check-windows.sh; says nothing and installs nothing.
# shellcheck source=scripts/cross-env.sh
. scripts/cross-env.sh

windows_cargo() {
  cross_cargo x86_64-pc-windows-gnu \
    CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-posix \
    CXX_x86_64_pc_windows_gnu=x86_64-w64-mingw32-g++-posix \
    AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER="$PWD/scripts/windows-link.sh" \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine \
    "$@"
}
