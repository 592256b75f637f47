#!/usr/bin/env bash
# Runs the part of the Windows build that needs no window, under wine, against a host of this machine on loopback.
# Sourced by check-windows.sh, which has built everything and counts by ok, bad and leave. Everything it starts lives in
# a folder of its own and is stopped at the end.

run_headless_half() {
  local bin=$cross_dir/x86_64-pc-windows-gnu/debug
  lab=$(mktemp -d)
  started=()
  trap stop_headless_half EXIT

  # Without .NET and Internet Explorer, which wine would otherwise look for on the network.
  export WINEPREFIX=$cross_dir/wine WINEDEBUG=-all WINEPATH="$lab/dll" WINEDLLOVERRIDES="mscoree,mshtml="
  export XDG_RUNTIME_DIR=$lab/run PULSE_RUNTIME_PATH=$lab/run/pulse PULSE_SERVER=unix:$lab/run/native
  mkdir -p "$lab/dll" "$lab/run/pulse"
  chmod 700 "$lab/run"
  unset DISPLAY WAYLAND_DISPLAY

  # Libraries of the cross compiler, the window's loader, and what wine 8 lacks.
  x86_64-w64-mingw32-gcc-posix -shared -O2 -o "$lab/dll/bcryptprimitives.dll" scripts/windows-shim.c -ladvapi32
  local library
  for library in libssp-0.dll libwinpthread-1.dll libgcc_s_seh-1.dll libstdc++-6.dll; do
    cp "$(x86_64-w64-mingw32-gcc-posix -print-file-name="$library")" "$lab/dll/"
  done
  find "$cross_dir" -name WebView2Loader.dll -path '*x64*' -exec cp {} "$lab/dll/" \; -quit
  if ! timeout 600 wine wineboot --init >"$lab/wine.log" 2>&1; then
    leave "wine does not start: $(tail -1 "$lab/wine.log")"
    return
  fi

  pure_tests
  credentials
  visitors "$bin"
  sound "$bin"
}

stop_headless_half() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wineserver -k 2>/dev/null || true
  rm -rf "$lab"
}

# The rules and the media core are the same code everywhere; here they run as Windows programs.
pure_tests() {
  if windows_cargo test --locked -p protocol -p media-core --lib -- --skip an_hour_of_drift >"$lab/pure.log" 2>&1; then
    ok "the tests of protocol and media-core pass ($(grep -c '^test .* ok$' "$lab/pure.log") of them)"
  else
    grep -E '^test .* FAILED|^error|panicked' "$lab/pure.log" | head -20 || tail -20 "$lab/pure.log"
    bad "tests of protocol and media-core"
  fi
}

credentials() {
  if windows_cargo test --locked -p app --test credentials >"$lab/credentials.log" 2>&1; then
    ok "secrets are kept in and forgotten from the Credential Manager"
  else
    tail -20 "$lab/credentials.log"
    bad "the Credential Manager"
  fi
}

# The host is this machine's own; starts it and sets `invite`.
office() {
  [ -n "${invite:-}" ] && return 0
  # `npm test` has built them.
  [ -n "${SHOJI_BINARIES_BUILT:-}" ] || cargo build --quiet --locked -p host --bin office-host -p inspection --bin visitor
  target/debug/office-host --listen 127.0.0.1:0 --no-mdns --invite member 1 >"$lab/office" 2>"$lab/office.log" &
  started+=($!)
  local n
  for n in $(seq 100); do
    [ -s "$lab/office" ] && break
    sleep 0.2
  done
  invite=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).invite' "$lab/office")
}

# Share of a note in the last summary of a visitor's output; 0 when there is none.
heard() {
  node -e '
    const lines = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n");
    const last = JSON.parse(lines.at(-1));
    process.exit(last.event === "summary" && last.notes[0].share > 0.2 ? 0 : 1);' "$1"
}

# TLS 1.3, the office, signalling, sealed media: a Windows visitor and one of this machine hear each other.
visitors() {
  office
  echo "$invite" | target/debug/visitor --invite - --name here --tone 660 --listen 440 --for 25 >"$lab/here" 2>"$lab/here.log" &
  local here=$!
  echo "$invite" | timeout 120 wine "$1/visitor.exe" --invite - --name windows --tone 440 --listen 660 \
    --camera synthetic --for 20 >"$lab/windows" 2>"$lab/windows.log" || true
  wait "$here" || true
  if heard "$lab/windows" && heard "$lab/here"; then
    ok "a visitor on Windows and one here hear each other, sealed, over TLS 1.3"
  else
    tail -3 "$lab/windows" "$lab/windows.log" "$lab/here" "$lab/here.log"
    bad "a visitor on Windows does not meet one here"
  fi
}

# WASAPI through wine's PulseAudio: what is played into the virtual microphone is heard here, and the other way round.
sound() {
  local pulse=(-n --daemonize=no --exit-idle-time=-1 --disallow-exit=1 --realtime=no --high-priority=no
    -L "module-native-protocol-unix auth-anonymous=1 socket=$lab/run/native"
    -L "module-null-sink sink_name=speaker rate=48000 channels=2"
    -L "module-null-sink sink_name=feed rate=48000 channels=1"
    -L "module-remap-source source_name=mic master=feed.monitor")
  HOME=$lab/run pulseaudio "${pulse[@]}" >"$lab/pulse.log" 2>&1 &
  started+=($!)
  local n
  for n in $(seq 50); do
    [ -S "$lab/run/native" ] && break
    sleep 0.2
  done
  if ! pactl info >/dev/null 2>&1; then
    leave "sound: there is no PulseAudio here ($(tail -1 "$lab/pulse.log"))"
    return
  fi
  pactl set-default-sink speaker
  pactl set-default-source mic
  # 880 Hz for a minute, 16 bit, from the shortest program that can make it.
  node -e '
    const b = Buffer.alloc(48000 * 60 * 2);
    for (let i = 0; i < 48000 * 60; i++) b.writeInt16LE(Math.round(12000 * Math.sin(2 * Math.PI * 880 * i / 48000)), i * 2);
    process.stdout.write(b);' >"$lab/tone.raw"
  pacat --playback -d feed --format=s16le --rate=48000 --channels=1 <"$lab/tone.raw" &
  started+=($!)
  parec -d speaker.monitor --format=s16le --rate=48000 --channels=1 >"$lab/played.raw" &
  started+=($!)
  office
  echo "$invite" | target/debug/visitor --invite - --name here --tone 660 --listen 880 --for 30 >"$lab/here2" 2>"$lab/here2.log" &
  local here=$!
  echo "$invite" | timeout 120 wine "$1/visitor.exe" --invite - --name windows --microphone real --speaker real --for 24 \
    >"$lab/windows2" 2>"$lab/windows2.log" || true
  wait "$here" || true
  if heard "$lab/here2"; then
    ok "a WASAPI microphone is heard in the meeting"
  else
    tail -3 "$lab/windows2" "$lab/windows2.log" "$lab/here2"
    bad "a WASAPI microphone is not heard"
  fi
  if node -e '
    const b = require("fs").readFileSync(process.argv[1]);
    let best = 0;
    for (let at = 0; at + 19200 <= b.length; at += 19200) {
      let re = 0, im = 0, power = 0;
      for (let i = 0; i < 9600; i++) {
        const s = b.readInt16LE(at + i * 2) / 32768, w = 2 * Math.PI * 660 * i / 48000;
        re += s * Math.cos(w); im -= s * Math.sin(w); power += s * s;
      }
      if (power > 0.01) best = Math.max(best, 2 * (re * re + im * im) / (9600 * power));
    }
    process.exit(best > 0.3 ? 0 : 1);' "$lab/played.raw"; then
    ok "the meeting is heard on a WASAPI speaker"
  else
    bad "the meeting is not heard on a WASAPI speaker"
  fi
}
