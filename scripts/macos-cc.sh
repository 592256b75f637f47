#!/usr/bin/env bash
# A C compiler for Apple targets, good enough for `cargo check`: clang with the headers that the ziglang wheel brings.
# Where a framework's header is missing it makes an empty object, because nothing is ever linked; what was stubbed is
# written to target-macos/stubbed.log and told at the end of check-macos.sh.
set -u
headers=$(ls -d "$SHOJI_MACOS"/python/lib/python3*/site-packages/ziglang/lib/libc/include/any-darwin-any 2>/dev/null | head -1)
target=(-target arm64-apple-macos11)
[ -n "$headers" ] && target+=(-isystem "$headers")
defines=(-DTARGET_OS_MAC=1 -DTARGET_OS_OSX=1 -DTARGET_OS_IPHONE=0 -DTARGET_OS_IOS=0 -DTARGET_OS_WATCH=0 -DTARGET_OS_TV=0
  -DTARGET_OS_SIMULATOR=0 -DTARGET_OS_EMBEDDED=0 -DTARGET_CPU_ARM64=1 -DTARGET_RT_LITTLE_ENDIAN=1 -DTARGET_RT_64_BIT=1)

arguments=() skip=0 out='' previous=''
for argument in "$@"; do
  [ "$previous" = -o ] && out=$argument
  previous=$argument
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  case "$argument" in
    -arch | -isysroot) skip=1 ;;
    -mmacosx-version-min=* | --target=* | -gdwarf*) ;;
    *) arguments+=("$argument") ;;
  esac
done

clang "${target[@]}" "${defines[@]}" -Wno-everything "${arguments[@]}" 2>"$SHOJI_MACOS/cc.log" && exit 0
if [ -n "$out" ]; then
  echo "$out" >>"$SHOJI_MACOS/stubbed.log"
  echo | clang "${target[@]}" -x c -c - -o "$out"
  exit
fi
cat "$SHOJI_MACOS/cc.log" >&2
exit 1
