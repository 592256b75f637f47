"""How long a sound takes from one person's mouth to another's ear, through real programs and one real sound server.

Run by `npm run bench -- mouth-to-ear`, which hands over what it needs as one line of JSON on stdin. Starts a private
PulseAudio with one two-channel cable: left is what is said (and what every microphone hears), right is what is played.
One recorder hears both, so there is one clock. Each program in turn carries the same chirps; prints one JSON line per
program with the delay of every chirp in milliseconds. Stops everything it started.
"""
import contextlib, json, os, re, shutil, signal, subprocess, sys, tempfile, time

import numpy as np
from scipy.signal import chirp, fftconvolve

RATE = 48_000
SPACING = 0.37
CHIRP = 0.04
# Longer delays are taken for lost.
LONGEST = 0.32
WARM_UP = 8
HERE = os.path.dirname(os.path.abspath(__file__))


def one_chirp():
    t = np.arange(int(CHIRP * RATE)) / RATE
    return (0.5 * chirp(t, 400, CHIRP, 3_400) * np.hanning(len(t))).astype(np.float32)


def speech(count):
    """A hush that keeps voice detectors awake, and the chirps, not quite evenly: codecs' frames must not line up."""
    random = np.random.default_rng(1)
    samples = random.normal(0, 0.002, int((WARM_UP + count * SPACING + 1) * RATE)).astype(np.float32)
    for n in range(int(WARM_UP / SPACING) + count):
        at = int((0.2 + n * SPACING + random.uniform(0, 0.02)) * RATE)
        if at + len(one_chirp()) < len(samples):
            samples[at : at + len(one_chirp())] += one_chirp()
    return (samples * 32_767).astype("<i2")


def likeness(sound):
    """How much of the chirp begins at each sample, whatever its phase."""
    return np.abs(fftconvolve(sound, one_chirp()[::-1], mode="full")[len(one_chirp()) - 1 :])


def delays(recorded):
    """Milliseconds per chirp said; None for one that was not heard."""
    said, heard = (likeness(recorded[:, side].astype(np.float32) / 32_768) for side in (0, 1))
    loud = said.max() * 0.6
    found, at = [], int(WARM_UP * RATE)
    reach = int(LONGEST * RATE)
    energy = np.median(np.sort(heard)[-len(heard) // 400 :])
    while at < len(said) - reach - int(RATE * 0.1):
        if said[at] < loud:
            at += 1
            continue
        top = at + int(np.argmax(said[at : at + int(0.01 * RATE)]))
        ear = heard[top : top + reach]
        best = int(np.argmax(ear))
        found.append(1000 * best / RATE if ear[best] > energy * 0.3 else None)
        at = top + int(0.2 * RATE)
    return found


class Stage:
    """The sound server and everything that runs on it."""

    def __init__(self, ask):
        self.ask = ask
        self.folder = tempfile.mkdtemp(prefix="shoji-mouth-")
        self.running = []
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY")},
            "XDG_RUNTIME_DIR": self.folder, "PULSE_RUNTIME_PATH": f"{self.folder}/pulse",
            "PULSE_SERVER": f"unix:{self.folder}/pulse/native", "HOME": f"{self.folder}/home",
        }
        os.makedirs(f"{self.folder}/pulse", mode=0o700)
        os.makedirs(f"{self.folder}/home")

    def start(self, *words, **more):
        """A program, its words in a log; at real-time priority where the system allows, unless it is called patient."""
        urgent = self.ask["urgent"]
        if more.pop("patient", False) and urgent:
            # What starts us may be urgent itself, and that is inherited.
            urgent = ["chrt", "-o", "0", "nice", "-n", "-15"]
        name = os.path.basename(words[0])
        more.setdefault("stdout", open(f"{self.folder}/{name}.log", "ab"))
        more.setdefault("stderr", open(f"{self.folder}/{name}.log", "ab"))
        more.setdefault("stdin", subprocess.DEVNULL)
        env = {**self.environment, **more.pop("env", {})}
        child = subprocess.Popen([*urgent, *words], env=env, start_new_session=True, **more)
        self.running.append(child)
        return child

    def stop(self, children):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        for child in children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if child in self.running:
                self.running.remove(child)

    def close(self):
        self.stop(list(reversed(self.running)))
        if not os.environ.get("SHOJI_BENCH_DETAILS"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, *words):
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=20)

    def sound(self):
        mono = "channels=1 channel_map=mono remix=no"
        modules = [
            "module-native-protocol-unix auth-anonymous=1",
            "module-null-sink sink_name=cable rate=48000 channels=2 channel_map=front-left,front-right",
            f"module-remap-source source_name=mic master=cable.monitor master_channel_map=front-left {mono}",
            f"module-remap-sink sink_name=mouth master=cable master_channel_map=front-left {mono}",
            f"module-remap-sink sink_name=ear master=cable master_channel_map=front-right {mono}",
        ]
        load = [word for module in modules for word in ("-L", module)]
        options = ["--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--realtime=no", "--high-priority=no"]
        server = self.start("pulseaudio", "-n", *options, "--log-target=stderr", "--log-level=error", *load)
        for _ in range(100):
            if self.say("pactl", "set-default-source", "mic").returncode == 0:
                break
            time.sleep(0.1)
        self.say("pactl", "set-default-sink", "ear")
        if self.ask["urgent"]:
            # It gives up at its start what it was given.
            self.say("chrt", "-a", "-f", "-p", "10", str(server.pid))

    def carry(self):
        """Says the chirps and records both sides."""
        path = f"{self.folder}/said.raw"
        speech(self.ask["chirps"]).tofile(path)
        shape = ["--raw", "--rate=48000", "--format=s16le", "--latency-msec=10"]
        with open(f"{self.folder}/cable.raw", "wb") as out:
            recorder = self.start("parec", *shape, "--channels=2", "-d", "cable.monitor", stdout=out)
            time.sleep(0.5)
            player = self.start("pacat", *shape, "--channels=1", "-d", "mouth", path)
            player.wait()
            time.sleep(0.6)
            self.stop([recorder, player])
        raw = np.fromfile(f"{self.folder}/cable.raw", "<i2")
        return delays(raw[: len(raw) // 2 * 2].reshape(-1, 2))

    def buffers(self):
        """What the server keeps for each program's streams, in milliseconds; ours and what it belongs to are left out."""
        kept = {}
        for way, kind in (("plays", "sink-inputs"), ("records", "source-outputs")):
            listed = self.say("pactl", "list", kind).stdout
            for entry in listed.split("\n\n"):
                name = re.search(r'application\.name = "(.*)"', entry)
                wait = re.search(r"Buffer Latency: (\d+) usec", entry)
                if name and wait and name[1] not in ("parec", "pacat"):
                    kept.setdefault(way, []).append({"of": name[1], "ms": int(wait[1]) / 1000})
        return kept

    # --- who carries it ----------------------------------------------------------------------------------------------

    def floor(self):
        """Nothing but the sound server: a recorder into a player. Try it by hand; a hold-up stays in the pipe for good."""
        shape = ["--raw", "--rate=48000", "--format=s16le", "--channels=1", "--latency-msec=10"]
        hears = self.start("parec", *shape, "-d", "mic", stdout=subprocess.PIPE)
        plays = self.start("pacat", *shape, "-d", "ear", stdin=hears.stdout)
        return [hears, plays]

    def ours(self):
        children = []
        for link, name, devices in zip(
            self.ask["links"], ("Mouth", "Ear"), (("real", "none"), ("none", "real")), strict=True
        ):
            words = ["--invite", "-", "--name", name, "--microphone", devices[0], "--speaker", devices[1]]
            child = self.start(self.ask["visitor"], *words, stdin=subprocess.PIPE, env={"SHOJI_LOG": "client=debug,info"})
            child.stdin.write(f"{link}\n".encode())
            child.stdin.flush()
            children.append(child)
        return children

    def chromium(self):
        children = []
        for role, token in zip(("speak", "listen"), self.ask["tokens"], strict=True):
            words = [f"{HERE}/browser.mjs", role, self.ask["url"], token]
            # Not at real-time priority: its threads wait in loops, and two of them stop the whole machine. It raises its
            # threads of sound by itself.
            children.append(self.start(self.ask["node"], *words, stdin=subprocess.PIPE, patient=True))
        return children

    def mumble(self):
        """Its lowest settings: 10 ms a packet, jitter buffer and output delay at their least, nothing processed."""
        server = f"{self.folder}/murmur.ini"
        port = self.ask["port"]
        with open(server, "w") as ini:
            ini.write(f"host=127.0.0.1\nport={port}\ndatabase={self.folder}/murmur.sqlite\nlogfile=\nbonjour=False\n"
                      "uname=root\nbandwidth=144000\nusers=4\nwelcometext=\n")
        children = [self.start("murmurd", "-fg", "-ini", server)]
        children.append(self.start("Xvfb", ":97", "-screen", "0", "1024x768x24", "-nolisten", "tcp"))
        time.sleep(2)
        for name, mute in (("ear", "true"), ("mouth", "false")):
            home = f"{self.folder}/{name}"
            os.makedirs(f"{home}/.config/Mumble", exist_ok=True)
            with open(f"{home}/.config/Mumble/Mumble.conf", "w") as conf:
                conf.write(MUMBLE.format(mute=mute))
            words = ["-m", "-n", f"mumble://{name}@127.0.0.1:{port}/?version=1.2.0"]
            children.append(self.start("mumble", *words, env={"HOME": home, "DISPLAY": ":97", "QT_QPA_PLATFORM": "xcb"}))
            time.sleep(3)
            # A certificate of its own: next, finish. The server's is nobody's: yes, go on.
            for key in ("Return", "Return", "alt+y"):
                subprocess.run(["xdotool", "key", key], env={**self.environment, "DISPLAY": ":97"}, check=False)
                time.sleep(2)
        return children


MUMBLE = """[General]
lastupdate=2

[audio]
input=PulseAudio
output=PulseAudio
transmit=0
quality=96000
outputdelay=1
noisesupress=0
loudness=1000
denoise=false
echo=false
echomulti=false
mute={mute}
deaf=false
headphone=true

[net]
jitterbuffer=1
framesperpacket=1
tcponly=false

[pulseaudio]
input=mic
output=ear

[tts]
enable=false

[ui]
usage=false
server=false
"""


def main():
    ask = json.loads(sys.stdin.readline())
    stage = Stage(ask)
    # Ended from outside, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        stage.sound()
        for program in ask["programs"]:
            children = getattr(stage, program)()
            try:
                # As somebody finds it who has been in the meeting for half a minute (with the warm-up): buffers that
                # filled up while it began have drained by then, or never do.
                time.sleep(ask.get("settle", 22))
                buffers = stage.buffers()
                print(json.dumps({"program": program, "delays_ms": stage.carry(), "buffers": buffers}), flush=True)
            finally:
                stage.stop(list(reversed(children)))
                time.sleep(1)
    finally:
        stage.close()


main()
