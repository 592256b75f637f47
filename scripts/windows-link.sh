#!/usr/bin/env bash
# The linker of the Windows check. A library that exports nothing of its own would export every symbol it holds, and a
# DLL has room for 65,535: `nokhwa` is also built as one, which nobody uses.
for argument in "$@"; do
  if [ "$argument" = -shared ]; then
    set -- "$@" -Wl,--exclude-all-symbols
    break
  fi
done
exec x86_64-w64-mingw32-gcc-posix "$@"
