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
It lasts an hour. With `--journal FILE` a run goes on where the last one ended, and `--parts shield`, `control`, `module` and `times`
may run one by one or side by side; the one that comes last prints what all of them found. Only `shield` and `times` mind a busy machine.
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
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
    import journal
    import server
    import times
    import tools
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
    urgent = True

    def __init__(self, screen, mark):
        self.server, self.marked, self.colour = screen, mark, 0
        self.told = open(screen.home / f"told-{secrets.token_hex(4)}", "w+")
        self.process = screen.popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.told, text=True)
        self.window = int(self.process.stdout.readline())
        if mark:
            self.tell("mark")

    def tell(self, what):
        super().tell(what)
        if what == "mark" and self.urgent:
            self.hasten()

    def hasten(self):
        """What rtkit does for the watch where a person is logged in; the ordinary user of these trials is not."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == "shield-watch":
                os.sched_setscheduler(int(task.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(10))

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

    def forget(self):
        """What was told until now."""
        self.told.truncate(0)
        self.told.seek(0)

    def stop(self):
        super().stop()
        self.told.close()


class Layer(e2e.Layer):
    def __init__(self, name, options, kept):
        super().__init__(name, argparse.Namespace(trials=options.trials, no_module=True), kept)
        self.build = journal.build_of(Owner.program)

    def make_server(self):
        screen = Screen()
        screen.bus()
        return screen

    def key(self, tool, mark):
        return {**super().key(tool, mark), "server": "Xvfb"}


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
    if options.journal:
        command += ["--journal", options.journal]
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
        found = times.measure(screen, owner, options)
        owner.stop()
        return found
    finally:
        screen.stop()


def without_module(options, names, kept):
    """Every tool in every layer; prints a line for each and answers the sums."""
    total = {"unprivileged_leaks": 0, "unprivileged_trials": 0, "positive_control_leaks": 0, "positive_control_trials": 0,
             "void_trials": 0}
    skipped = {}
    for name in options.layers.split(","):
        layer = Layer(name, options, kept)
        rounds = {True: {}, False: {}}
        try:
            if "shield" in options.parts:
                rounds[True] = layer.round(names, mark=True)
            if "control" in options.parts:
                rounds[False] = layer.round([n for n in names if not isinstance(rounds[True].get(n), str)], mark=False)
        finally:
            layer.stop()
        for note in layer.notes:
            print(f"{name}: {note}", file=sys.stderr)
        # The other part may have run beside this one.
        kept.read()
        for tool in names:
            why = next((r[tool] for r in rounds.values() if isinstance(r.get(tool), str)), None)
            if why:
                skipped[tool] = why
                continue
            told = e2e.line(tool, name, *(kept.values(layer.key(tool, mark)) for mark in (True, False)))
            print(json.dumps(told), flush=True)
            for number, of in (("unprivileged_leaks", "leaks"), ("unprivileged_trials", "trials"), ("void_trials", "void"),
                               ("positive_control_leaks", "control_leaks"), ("positive_control_trials", "control_trials")):
                total[number] += told[of]
    return total, skipped


PARTS = ("shield", "control", "module", "times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built example `protected` of the crate `shield`")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--tools", help="comma-separated")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--parts", default=",".join(PARTS), type=lambda words: words.split(","))
    parser.add_argument("--journal", default=os.environ.get("SHIELD_JOURNAL"),
                        help="a file that keeps the trials; those in it are not made again (or the environment's SHIELD_JOURNAL)")
    parser.add_argument("--times", type=int, default=100, help="trials of the delay of the cover")
    parser.add_argument("--residents", type=int, default=20, help="programs that were there before, thirty pictures each")
    parser.add_argument("--no-urgent", action="store_true", help="leave the watch the priority of any thread")
    parser.add_argument("--idle", type=float, default=20, help="seconds of idling")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("root is needed: the tools run as another user")
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {unknown}")
    # An ordinary user has to be able to run it.
    folder = tempfile.TemporaryDirectory(prefix="shield-program-")
    os.chmod(folder.name, 0o755)
    Owner.program = str(pathlib.Path(folder.name) / "protected")
    pathlib.Path(Owner.program).write_bytes(pathlib.Path(options.program).read_bytes())
    os.chmod(Owner.program, 0o755)
    Owner.urgent = not options.no_urgent
    e2e.Owner = Owner
    names = options.tools.split(",") if options.tools else list(tools.USUAL)
    began = time.monotonic()
    kept = journal.Journal(options.journal)
    total, skipped = without_module(options, names, kept)
    key = {"times": journal.build_of(Owner.program)}
    if "times" in options.parts and not kept.values(key):
        kept.add(key, measure(options))
    module = with_module(options, names) if "module" in options.parts else "left out"
    if isinstance(module, str):
        skipped["module"] = module
        total.update(module_leaks=None, module_trials=0)
    else:
        for number in ("module_leaks", "module_trials"):
            total[number] = module[number]
        for number in ("positive_control_leaks", "positive_control_trials", "void_trials"):
            total[number] += module[number]
        skipped.update({f"module {tool}": why for tool, why in module["skipped"].items()})
    kept.read()
    for found in kept.values(key)[-1:]:
        total.update(found)
    total.update(skipped=skipped, seconds=round(time.monotonic() - began))
    print(json.dumps({"scenario": "shield", **total}))


if __name__ == "__main__":
    main()
