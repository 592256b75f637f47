#!/usr/bin/env bash
# A C compiler for Apple targets, good enough for `cargo check`, where nothing is ever linked or run: what it is to write
# is an empty object, whatever the source says, so Apple's headers are not needed. Questions about the compiler itself
# (its version, the words it defines) are answered by clang.
set -eu
target=(-target arm64-apple-macos11)

out='' dependencies='' preprocess='' previous='' skip=0 arguments=()
for argument in "$@"; do
  case "$previous" in
    -o) out=$argument ;;
    -MF) dependencies=$argument ;;
  esac
  previous=$argument
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  case "$argument" in
    -arch | -isysroot) skip=1; continue ;;
    -mmacosx-version-min=* | --target=*) continue ;;
    -E | -M | -MM) preprocess=1 ;;
  esac
  arguments+=("$argument")
done

if [ -z "$out" ] || [ -n "$preprocess" ]; then
  exec clang "${target[@]}" -Wno-everything "${arguments[@]}"
fi
if [ -n "$dependencies" ]; then echo "$out:" >"$dependencies"; fi
exec clang "${target[@]}" -x c -c -o "$out" /dev/null
