"""A desk for one person: a display, a sound system, a camera and a window of the real program, all private.

Used by the window tests. Everything listens on loopback or in a folder of its own and ends with the test.
"""
import base64, json, os, re, shutil, signal, subprocess, tempfile, time, urllib.error, urllib.request
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000


def need(tool, package):
    path = shutil.which(tool)
    if not path:
        raise SystemExit(f"the window tests need `{tool}`: apt-get install {package}")
    return path


def wait_for(what, check, seconds=30):
    """Polls until check() is truthy; the deadline is a guard against hanging, not a measurement."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = check()
        except (urllib.error.URLError, ConnectionError, WebDriverError) as error:
            last = None
            reason = error
        else:
            reason = None
        if last:
            return last
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {what} ({reason or last!r})")


class Child:
    """A process that is stopped with everything it started."""

    def __init__(self, args, env=None, log=None, **more):
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(args, env=env, stdout=more.pop("stdout", self.log), stderr=self.log,
                                        start_new_session=True, **more)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                self.process.wait(5)


class Display:
    """An Xvfb screen, seen as numpy arrays."""

    # What its programs need to get in, beside its name.
    env = {}

    def __init__(self, folder, size="1280x800"):
        read, write = os.pipe()
        self.buffer = folder / "Xvfb_screen0"
        self.server = Child([need("Xvfb", "xvfb"), "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp",
                             "-fbdir", str(folder)],
                            log=folder / "xvfb.log", pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f":{int(pipe.readline())}"

    def shot(self, save=None):
        """The whole screen as (height, width, 3) bytes."""
        raw = subprocess.run([need("import", "imagemagick"), "-display", self.name, "-window", "root", "-depth", "8", "ppm:-"],
                             check=True, capture_output=True).stdout
        head, width, height, depth, pixels = raw.split(maxsplit=3)[0], None, None, None, None
        fields = raw.split(b"\n", 3)
        width, height = map(int, fields[1].split())
        pixels = np.frombuffer(fields[3], np.uint8, width * height * 3).reshape(height, width, 3)
        if save:
            subprocess.run(["convert", "ppm:-", str(save)], input=raw, check=True)
        assert head == b"P6"
        return pixels

    def truth(self):
        """What is on the screen, as `shot`, past the server: nothing notices."""
        raw = self.buffer.read_bytes()
        # XWD: 25 numbers in network order, the window's name, the colour map, the pixels.
        head = np.frombuffer(raw[:100], ">u4")
        start, width, height, stride = int(head[0] + head[19] * 12), int(head[4]), int(head[5]), int(head[12])
        rows = np.frombuffer(raw, np.uint8, stride * height, start).reshape(height, stride)[:, : width * 4]
        return rows.reshape(height, width, 4)[:, :, 2::-1]

    def stop(self):
        self.server.stop()


def bind(file, **programs):
    """Writes a configuration of openbox like Debian's, whose keys start these programs and no other.

    Debian's own starts `scrot` at the Print key wherever that is installed: no test may hang on what a machine has.
    """
    text = Path("/etc/xdg/openbox/rc.xml").read_text()
    text = re.sub(r"<keybind\b(?:(?!</keybind>).)*<action name=\"Execute\">.*?</keybind>", "", text, flags=re.S)
    keys = "".join(f'<keybind key="{key}"><action name="Execute"><command>{escape(command)}</command></action></keybind>'
                   for key, command in programs.items())
    file.write_text(text.replace("</keyboard>", f"{keys}</keyboard>"))


class Sound:
    """A private PulseAudio: what is played into `mic_feed` is the microphone, `speaker.monitor` is what was played."""

    def __init__(self, folder, **who):
        self.folder = folder
        self.who = who
        run = folder / "sound"
        (run / "pulse").mkdir(parents=True)
        run.chmod(0o700)
        for path in (run, run / "pulse"):
            os.chown(path, who.get("user", -1), who.get("group", -1))
        self.socket = run / "native"
        self.env = {"XDG_RUNTIME_DIR": str(run), "PULSE_RUNTIME_PATH": str(run / "pulse"), "HOME": str(run),
                    "PULSE_SERVER": f"unix:{self.socket}", "PATH": os.environ["PATH"]}
        self.start()

    def start(self):
        """Also once more, after [`kill`]."""
        # A sound card never waits for a busy machine; the daemon that stands in for one goes first where it may.
        first = ["nice", "-n", "-15"] if os.geteuid() == 0 and not self.who else []
        self.server = Child([
            *first, need("pulseaudio", "pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit=1",
            "--realtime=no", "--high-priority=no", "--log-target=stderr",
            "-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}",
            "-L", "module-null-sink sink_name=speaker rate=48000 channels=2 sink_properties=device.description=Speaker",
            "-L", "module-null-sink sink_name=mic_feed rate=48000 channels=1 sink_properties=device.description=Feed",
            "-L", "module-remap-source source_name=mic master=mic_feed.monitor source_properties=device.description=Microphone",
        ], env=self.env, log=self.folder / "pulse.log", **self.who)
        wait_for("the sound system", self.answers)
        self.ctl("set-default-sink", "speaker")
        self.ctl("set-default-source", "mic")

    def answers(self):
        return subprocess.run([need("pactl", "pulseaudio-utils"), "info"], env=self.env, capture_output=True).returncode == 0

    def kill(self):
        """As a crash would."""
        self.server.stop(signal.SIGKILL)

    def plug(self):
        """The microphone again, after its module was unloaded."""
        self.ctl("load-module", "module-remap-source", "source_name=mic", "master=mic_feed.monitor",
                 "source_properties=device.description=Microphone")
        self.ctl("set-default-source", "mic")

    def ctl(self, *args):
        return subprocess.run([need("pactl", "pulseaudio-utils"), *args], env=self.env, check=True, capture_output=True, text=True).stdout

    def say(self, pcm):
        """Speaks 48 kHz mono samples (-1..1) into the microphone; does not wait."""
        child = subprocess.Popen(["pacat", "--playback", "-d", "mic_feed", "--format=s16le", "--rate=48000", "--channels=1"],
                                 env=self.env, stdin=subprocess.PIPE)
        child.stdin.write((np.clip(pcm, -1, 1) * 32000).astype("<i2").tobytes())
        child.stdin.close()
        return child

    def record(self):
        """Starts to record what the speaker plays; into a file, because a pipe that nobody empties holds 0.7 s."""
        self.tape = self.folder / "heard.raw"
        with open(self.tape, "wb") as tape:
            return subprocess.Popen(["parec", "-d", "speaker.monitor", "--format=s16le", "--rate=48000", "--channels=1",
                                     "--latency-msec=20"], env=self.env, stdout=tape)

    def heard(self, recorder):
        recorder.send_signal(signal.SIGINT)
        recorder.wait(20)
        out = self.tape.read_bytes()
        return np.frombuffer(out[: len(out) // 2 * 2], "<i2").astype(np.float64) / 32768

    def stop(self):
        self.server.stop()


class WebDriverError(Exception):
    pass


class Window:
    """The real program, driven through WebKitWebDriver."""

    KEY = "element-6066-11e4-a52e-4f735466cecf"

    def __init__(self, binary, env, folder, args=(), port=0, **who):
        self.folder = folder
        self.port = port
        self.driver = Child([need("WebKitWebDriver", "webkit2gtk-driver"), f"--port={port}", "--host=127.0.0.1"],
                            env=env, log=folder / "window.log", **who)
        wait_for("the driver", lambda: self._call("GET", "/status")["ready"])
        options = {"binary": str(binary), "args": list(args)}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}, timeout=90)
        self.session = answer["sessionId"]

    def _call(self, method, path, body=None, timeout=30):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(error.read().decode("utf8", "replace")[:600]) from None

    def call(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def run(self, script, *args):
        """Runs `script` as a function body in the page."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[self.KEY]

    def exists(self, css):
        return self.run("return document.querySelector(arguments[0]) !== null", css)

    def click(self, css):
        wait_for(css, lambda: self.exists(css))
        self.call("POST", f"/element/{self.find(css)}/click", {})

    def button(self, label):
        """Clicks the first enabled control whose accessible name or text holds `label`."""
        script = """
          const wanted = arguments[0];
          for (const e of document.querySelectorAll('button,[role=button],a,[role=tab],[role=menuitem],[role=option],[role=radio],label')) {
            const name = (e.getAttribute('aria-label') ?? '') + ' ' + e.textContent;
            if (!name.includes(wanted) || e.disabled || e.getAttribute('aria-disabled') === 'true') continue;
            // Only what a person could reach with the pointer: not hidden, not under a dialog.
            const box = e.getBoundingClientRect();
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            if (box.width > 4 && box.height > 4 && top && (e.contains(top) || top.contains(e))) return e;
          }
          return null;"""
        element = wait_for(f"a control named {label}", lambda: self.run(script, label))
        self.call("POST", f"/element/{element[self.KEY]}/click", {})

    def type(self, css, text):
        wait_for(css, lambda: self.exists(css))
        element = self.find(css)
        self.call("POST", f"/element/{element}/clear", {})
        self.call("POST", f"/element/{element}/value", {"text": text})

    def text(self):
        return self.run("return document.body.innerText")

    def shot(self, save):
        Path(save).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def close(self):
        try:
            self.call("DELETE", "")
        except (WebDriverError, urllib.error.URLError, ConnectionError):
            pass
        self.driver.stop()


def loudest_lag(reference, heard):
    """Best normalised correlation of `reference` inside `heard`, and where it starts (samples)."""
    n = 1 << (len(reference) + len(heard)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(heard, n) * np.conj(np.fft.rfft(reference, n)), n)
    lags = max(1, len(heard) - len(reference) + 1)
    lag = int(np.argmax(np.abs(cross[:lags])))
    part = heard[lag : lag + len(reference)]
    return float(abs(cross[lag]) / (np.linalg.norm(reference) * np.linalg.norm(part) + 1e-12)), lag


def likeness(reference, heard, piece=RATE // 5, reach=RATE // 10):
    """How like the reference what was heard is: the median over pieces of a fifth of a second, silent ones left out.

    The receiver bends time a little while it follows the network and the other clock, so each piece is aligned by itself,
    but no further than a tenth of a second from where the whole lies: a vowel must not match another one.
    """
    cut = [(k, reference[k : k + piece]) for k in range(0, len(reference) - piece, piece)]
    loud = [(k, p) for k, p in cut if np.sqrt(np.mean(p * p)) > 0.02]
    whole = int(np.median([loudest_lag(p, heard)[1] - k for k, p in loud]))
    found = []
    for k, p in loud:
        start = max(0, k + whole - reach)
        there = heard[start : k + whole + piece + reach]
        found.append(loudest_lag(p, there)[0] if len(there) >= piece else 0.0)
    return float(np.median(found))


def speech(folder, text, voice="ja"):
    """Speech as 48 kHz samples, by espeak-ng."""
    wav = folder / "speech.wav"
    subprocess.run([need("espeak-ng", "espeak-ng"), "-v", voice, "-w", str(wav), text], check=True)
    raw = subprocess.run([need("sox", "sox"), str(wav), "-r", str(RATE), "-c", "1", "-e", "signed", "-b", "16", "-t", "raw", "-"],
                         check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float64) / 32768


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scratch():
    return Path(tempfile.mkdtemp(prefix="shoji-window-"))
