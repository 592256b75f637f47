"""Tries every tool against the X11 shield in a private Xvfb, then against the module in a private Xorg, and prints one JSON
object per tool and layer, then a summary:
    {"tool": "scrot", "layer": "wm", "trials": 20, "leaks": 0, "control_trials": 20, "control_leaks": 20}
    {"tool": "scrot", "layer": "module wm", "trials": 20, "leaks": 0, "control_trials": 20, "control_leaks": 20}
    {"unprivileged_leaks": N, "module_leaks": N, "positive_control_leaks": N, "cover_median_ms": F, "idle_core_pct": F, ...}
A program that was there before gets one picture of a window without the module; `resident_later_leaks` counts those after its first.
The control is the same window without the shield. What the screen really shows is read from Xvfb's frame buffer, which no
client does. The tools and how they are called are those of the Xorg module's tests (`xorg-shield/tests`, built with
`make -C xorg-shield all build/prober`).

Run by `npm run -s bench -- shield`, or by hand, as root (the tools run as an ordinary user, and Xorg takes the module):
    python3 tests/shield/matrix.py target/release/examples/protected --trials 5 --tools scrot,pillow --layers bare
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# Where the module's tests lie, if not in this tree: the environment's SHIELD_MODULE_TESTS.
sys.path.insert(0, os.environ.get("SHIELD_MODULE_TESTS", str(TOP / "xorg-shield" / "tests")))
try:
    import e2e
    import server
    import tools
    import xwire
except ImportError as missing:
    sys.exit(f"the tests of the Xorg module are needed for their tools: {missing}")

WIDTH, HEIGHT = server.WIDTH, server.HEIGHT
LAYERS = {name: programs for name, programs in e2e.LAYERS.items() if name in ("bare", "wm", "compositor", "wm+compositor")}


class Screen(server.Server):
    """An Xvfb whose frame buffer is a file. Takes the place of the module tests' Xorg."""

    def __init__(self, seconds=7200):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="shield-matrix-"))
        self.children = []
        self.user_home = self.home / "user"
        self.user_home.mkdir()
        (self.user_home / "run").mkdir(mode=0o700)
        for path in (self.user_home, self.user_home / "run"):
            os.chown(path, server.NOBODY, -1)
        self.home.chmod(0o755)
        self.log = self.home / "Xvfb.log"
        self.printed = open(self.log, "w")
        hear, tell = os.pipe()
        # -ac: whoever gets at the socket of this display may use it; it holds nothing.
        self.xorg = subprocess.Popen(
            ["timeout", str(seconds), "Xvfb", "-displayfd", str(tell), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir",
             str(self.home), "-nolisten", "tcp", "-noreset", "-ac"],
            stdin=subprocess.DEVNULL, stdout=self.printed, stderr=subprocess.STDOUT, pass_fds=[tell], start_new_session=True)
        os.close(tell)
        with os.fdopen(hear) as line:
            self.display = int(line.readline())
        self.env = {
            "DISPLAY": f":{self.display}",
            "XAUTHORITY": "/dev/null",
            "HOME": str(self.user_home),
            "XDG_RUNTIME_DIR": str(self.user_home / "run"),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
        }
        self.buffer = open(self.home / "Xvfb_screen0", "rb")

    def truth(self, colour):
        """How many pixels of a colour are on the screen, without asking the server."""
        head = struct.unpack(">25I", os.pread(self.buffer.fileno(), 100, 0))
        start, count = head[0] + head[19] * 12, head[12] * head[5]
        pixels = os.pread(self.buffer.fileno(), count, start)
        return sum(pixels.count(colour.to_bytes(3, "little") + bytes([pad])) for pad in (0, 255))

    def stop(self):
        self.buffer.close()
        super().stop()


class Owner(server.Owner):
    """The window, under the shield if marked."""

    program = None

    def __init__(self, screen, mark):
        self.server, self.colour = screen, 0
        self.told = open(screen.home / f"told-{secrets.token_hex(4)}", "w+")
        self.process = screen.popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.told, text=True)
        self.window = int(self.process.stdout.readline())
        if mark:
            self.tell("mark")

    def show(self, colour):
        """Paints, and waits until that is what the screen shows: the cover of the last trial has to go first."""
        self.colour = colour
        self.tell(f"paint {colour:06x}")
        for attempt in range(400):
            if self.server.truth(colour) > 1000:
                return True
            if attempt % 50 == 49:
                self.tell("map")
            time.sleep(0.03)
        return False

    def events(self):
        self.told.flush()
        return [json.loads(line) for line in pathlib.Path(self.told.name).read_text().splitlines()]

    def stop(self):
        super().stop()
        self.told.close()


class Layer(e2e.Layer):
    def __init__(self, name, options):
        self.name, self.options, self.notes, self.programs = name, options, [], []
        self.server = Screen()
        self.server.bus()
        self.start_programs()


def hello(number):
    """What any client says first; answers the socket and when it was said."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(f"/tmp/.X11-unix/X{number}")
    said = time.monotonic_ns() // 1000
    s.sendall(struct.pack("<BxHHHHxx", 0x6C, 11, 0, 0, 0))
    head = s.recv(8, socket.MSG_WAITALL)
    s.recv(struct.unpack("<H", head[6:8])[0] * 4, socket.MSG_WAITALL)
    return s, said


def covered_after(owner, since):
    for _ in range(300):
        for event in owner.events():
            if event["event"] == "covered" and event["at"] >= since:
                return event["at"]
        time.sleep(0.01)
    return None


def delays(screen, owner, trials):
    """From a stranger's first word to the cover being ordered, in milliseconds: what the server takes is in it, too."""
    found = []
    for _ in range(trials):
        owner.told.truncate(0)
        owner.told.seek(0)
        stranger, said = hello(screen.display)
        at = covered_after(owner, said)
        stranger.close()
        if at is not None:
            found.append((at - said) / 1000)
        if not owner.show(owner.colour):
            break
    return found


def core_percent(pid, seconds):
    """What the shield's two threads take while nothing happens, of one core."""
    def ticks():
        total = 0
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            stat = (task / "stat").read_text()
            name, rest = stat[stat.index("(") + 1:].rsplit(")", 1)
            if name.startswith("shield-"):
                total += sum(int(n) for n in rest.split()[11:13])
        return total
    before = ticks()
    time.sleep(seconds)
    return 100 * (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def resident(screen, owner, frames):
    """A program that was there before takes pictures, one after the other: how many showed the window, first and later."""
    spy = xwire.X(screen.display, bytes(16))
    try:
        time.sleep(3)
        if not owner.show(e2e.colour()):
            return None
        seen = [spy.count(spy.root, owner.colour) > 0 for _ in range(frames)]
        return int(seen[0]), sum(seen[1:])
    finally:
        spy.close()


def ordinary(screen, owner, trials):
    """How long the cover of an allow-listed program that starts stays, in milliseconds."""
    found = []
    for _ in range(trials):
        # The last cover has to be gone, and told of.
        if not owner.show(owner.colour):
            break
        time.sleep(0.1)
        owner.told.truncate(0)
        owner.told.seek(0)
        screen.run(["xset", "q"])
        for _ in range(300):
            gone = [event["after_us"] / 1000 for event in owner.events() if event["event"] == "uncovered"]
            if gone:
                found += gone[:1]
                break
            time.sleep(0.01)
    return found


def with_module(options, names):
    """The same tools, and the module's own ways, against the module. Answers its summary, or why there is none."""
    if not (server.BUILD / "libshojishield.so").exists():
        return "not built: make -C xorg-shield all build/owner build/prober"
    if not shutil.which("Xorg"):
        return "Xorg is not installed"
    tried = names if options.tools else [*names, "unusual"]
    e2e_py = pathlib.Path(e2e.__file__)
    command = [sys.executable, str(e2e_py), "--trials", str(options.trials), "--tools", ",".join(tried)]
    if options.layers != ",".join(LAYERS):
        command += ["--layers", options.layers]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    summary = None
    for line in running.stdout:
        told = json.loads(line)
        if "tool" in told:
            told["layer"] = f"module {told['layer']}"
            print(json.dumps(told), flush=True)
        else:
            summary = told
    running.wait()
    return summary or f"the module's tests ended with {running.returncode}"


def measure(options):
    screen = Screen()
    try:
        owner = Owner(screen, True)
        owner.tell("map")
        owner.show(e2e.colour())
        times = delays(screen, owner, options.times)
        spied = [found for found in (resident(screen, owner, 30) for _ in range(options.residents)) if found]
        starts = ordinary(screen, owner, options.residents * 2)
        owner.tell("still")
        time.sleep(3)
        idle = core_percent(owner.process.pid, options.idle)
        owner.stop()
    finally:
        screen.stop()
    return times, idle, spied, starts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built example `protected` of the crate `shield`")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--tools", help="comma-separated")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--times", type=int, default=100, help="trials of the delay of the cover")
    parser.add_argument("--residents", type=int, default=10, help="programs that were there before, thirty pictures each")
    parser.add_argument("--no-module", action="store_true", help="leave the module out")
    parser.add_argument("--idle", type=float, default=20, help="seconds of idling")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("root is needed: the tools run as another user")
    # An ordinary user has to be able to run it.
    folder = tempfile.TemporaryDirectory(prefix="shield-program-")
    os.chmod(folder.name, 0o755)
    Owner.program = str(pathlib.Path(folder.name) / "protected")
    pathlib.Path(Owner.program).write_bytes(pathlib.Path(options.program).read_bytes())
    os.chmod(Owner.program, 0o755)
    e2e.Owner = Owner
    names = options.tools.split(",") if options.tools else list(tools.USUAL)
    began = time.monotonic()
    total = {"unprivileged_leaks": 0, "unprivileged_trials": 0, "positive_control_leaks": 0, "positive_control_trials": 0,
             "void_trials": 0}
    skipped, notes = {}, []
    for name in options.layers.split(","):
        layer = Layer(name, options)
        try:
            marked = layer.round(names, mark=True)
            control = layer.round([n for n in names if isinstance(marked[n], list)], mark=False)
        finally:
            layer.server.stop()
        for tool in names:
            if not isinstance(marked[tool], list):
                skipped[tool] = marked[tool]
                continue
            tried, controls = e2e.valid(marked[tool]), e2e.valid(control[tool])
            leaks, proofs = sum(1 for seen in tried if seen), sum(1 for seen in controls if seen)
            void = len(marked[tool]) + len(control[tool]) - len(tried) - len(controls)
            print(json.dumps({"tool": tool, "layer": name, "trials": len(tried), "leaks": leaks,
                              "control_trials": len(controls), "control_leaks": proofs, "void": void}), flush=True)
            total["unprivileged_leaks"] += leaks
            total["unprivileged_trials"] += len(tried)
            total["positive_control_leaks"] += proofs
            total["positive_control_trials"] += len(controls)
            total["void_trials"] += void
        notes += [f"{name}: {note}" for note in layer.notes]
    for note in notes:
        print(note, file=sys.stderr)
    times, idle, spied, starts = measure(options)
    module = "left out" if options.no_module else with_module(options, names)
    if isinstance(module, str):
        skipped["module"] = module
        total.update(module_leaks=None, module_trials=0)
    else:
        for number in ("module_leaks", "module_trials"):
            total[number] = module[number]
        for number in ("positive_control_leaks", "positive_control_trials", "void_trials"):
            total[number] += module[number]
        skipped.update({f"module {tool}": why for tool, why in module["skipped"].items()})
    total.update(cover_median_ms=round(statistics.median(times), 3) if times else None, cover_trials=len(times),
                 cover_worst_ms=round(max(times), 3) if times else None, idle_core_pct=round(idle, 2),
                 resident_first_leaks=sum(first for first, _ in spied), resident_later_leaks=sum(later for _, later in spied),
                 residents=len(spied), ordinary_worst_ms=round(max(starts), 3) if starts else None,
                 ordinary_median_ms=round(statistics.median(starts), 3) if starts else None, skipped=skipped,
                 seconds=round(time.monotonic() - began))
    print(json.dumps({"scenario": "shield", **total}))


if __name__ == "__main__":
    main()
