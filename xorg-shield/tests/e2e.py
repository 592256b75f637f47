"""Tries every tool against the module in a private X server and prints one JSON object per tool and layer, then a summary:
    {"tool": "scrot", "layer": "wm", "trials": 20, "leaks": 0, "control_trials": 20, "control_leaks": 20}
    {"module_leaks": 0, "positive_control_leaks": N, ...}
The control is the same window without the property: there every tool must see it, or its zero means nothing.

Run as root on a machine with Xorg and its dummy driver (`make` first):
    python3 tests/e2e.py                      everything, 20 trials: about an hour
    python3 tests/e2e.py --quick              one trial of what is quick: under a minute
    python3 tests/e2e.py --trials 5 --tools scrot,pillow --layers bare,wm+compositor
    python3 tests/e2e.py --journal FILE       keeps what was tried, and goes on after it when called again
"""
import argparse
import json
import os
import secrets
import shutil
import sys
import time

from journal import Journal, build_of
from server import BUILD, Owner, Server, end
from tools import NOT_IN, UNUSUAL, USUAL, Failed, Missing

LAYERS = {
    "bare": [],
    "wm": [["openbox"]],
    "compositor": [["picom", "--config", "/dev/null", "--backend", "xrender"]],
    "wm+compositor": [["openbox"], ["picom", "--config", "/dev/null", "--backend", "xrender"]],
    "in-place": [["openbox"], ["xcompmgr"]],
}
# Without -noreset the server begins anew whenever its last client goes: between trials here.
RESET = "regeneration"
COMPOSITORS = "compositor /usr/bin/picom\ncompositor /usr/bin/xcompmgr in-place\n"
QUICK = "scrot xwd-window idle pipelined copy-root render-root name-window none-over".split()


def colour():
    """Of three unlike parts, none of them a shade that a theme would have."""
    while True:
        parts = [1 + secrets.randbelow(254) for _ in range(3)]
        if min(abs(parts[0] - parts[1]), abs(parts[1] - parts[2]), abs(parts[0] - parts[2])) > 20:
            return parts[0] << 16 | parts[1] << 8 | parts[2]


VOID = "void"
# A busy machine makes a trial void now and then; it is tried again, so many times per tool.
MAX_VOID = 5


def valid(results):
    return [seen for seen in results if seen != VOID]


def line(tool, layer, marked, control):
    """What came of a tool. `failed`: trials in which it made no picture at all, covered or not."""
    tried, controls = valid(marked), valid(control)
    return {"tool": tool, "layer": layer, "trials": len(tried), "leaks": sum(1 for seen in tried if seen),
            "failed": tried.count(None), "control_trials": len(controls), "control_leaks": sum(1 for seen in controls if seen),
            "void": len(marked) + len(control) - len(tried) - len(controls)}


class Layer:
    def __init__(self, name, options, journal):
        self.name, self.options, self.journal = name, options, journal
        self.notes = []
        self.programs = []
        self.server = None
        self.build = "none" if options.no_module else build_of(BUILD / "libshojishield.so")

    def start(self):
        """Not before there is something to try."""
        if not self.server:
            self.server = self.make_server()
            self.start_programs()

    def make_server(self):
        server = Server(COMPOSITORS, module=not self.options.no_module, reset=self.name == RESET)
        if self.name != RESET:
            server.bus()
        return server

    def stop(self):
        if self.server:
            self.server.stop()

    def key(self, tool, mark):
        """What its trials are called in the journal."""
        return {"server": "Xorg", "layer": self.name, "tool": tool, "shield": self.build if mark else None}

    def start_programs(self):
        for program in self.programs:
            end(program)
        self.programs = [self.server.popen(command) for command in LAYERS.get(self.name, [])]
        if self.programs:
            time.sleep(1.5)

    def trial(self, tool, owner):
        """How many pixels were seen; None: the tool made no picture, so nothing was seen; VOID: there was nothing to see."""
        if not owner.show(colour()):
            self.notes.append(f"{tool}: the screen does not show the window")
            return VOID
        try:
            return self.tools[tool](self.server, owner)
        except Failed as failure:
            self.notes.append(f"{tool}: {failure}")
            return None
        except TimeoutError:
            self.notes.append(f"{tool}: does not end")
            return VOID

    tools = {**USUAL, **UNUSUAL}

    def round(self, names, mark):
        """{tool: [pixels, ...]} with a window that is marked, or not."""
        seen = {}
        owner = None
        for tool in names:
            key = self.key(tool, mark)
            results = self.journal.values(key)
            void = 0
            while len(valid(results)) < self.options.trials and void < MAX_VOID:
                self.start()
                if not owner:
                    owner = Owner(self.server, mark)
                    owner.tell("map")
                try:
                    result = self.trial(tool, owner)
                except Missing as missing:
                    results = f"not installed: {missing}"
                    break
                except RuntimeError as trouble:
                    self.notes.append(f"{tool}: {trouble}")
                    result = VOID
                    owner.stop()
                    owner = None
                self.journal.add(key, result)
                results.append(result)
                void += result == VOID
                if not self.server.alive():
                    raise SystemExit(f"{self.name}: the server ended during {tool}: {self.server.trouble()}")
                if tool == "claim-compositor":
                    self.start_programs()  # it took the compositor's place
                if owner and self.name == RESET:
                    owner.stop()
                    owner = None
                    time.sleep(0.3)
            seen[tool] = results
        if owner:
            owner.stop()
        return seen

    def run(self, names):
        names = [n for n in names if self.name not in NOT_IN.get(n, ())]
        marked = self.round(names, mark=True)
        if self.server:
            time.sleep(2.2)  # after a protected window went, a composited screen stays black for two seconds
        control = self.round([n for n in names if isinstance(marked[n], list)], mark=False)
        if self.server:
            self.notes += self.server.trouble()
        return marked, control


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--tools", help="comma-separated; `usual`: the tools people have; `unusual`: prober's ways")
    parser.add_argument("--layers", default=",".join([*LAYERS, RESET]))
    parser.add_argument("--no-module", action="store_true", help="the marked window in a server without the module")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--journal", help="a file that keeps the trials; those in it are not made again")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("Xorg takes modules from elsewhere only from root")
    for needed in ("Xorg", "convert", "xdpyinfo", "dbus-daemon"):
        if not shutil.which(needed):
            sys.exit(f"{needed} is needed")
    for built in ("owner", "prober", "libshojishield.so"):
        if not (BUILD / built).exists():
            sys.exit("build first: make all build/owner build/prober")
    names = [*USUAL, *UNUSUAL]
    if options.quick:
        options.trials, options.layers, names = 1, "bare,wm+compositor", QUICK
    if options.tools:
        names = []
        for word in options.tools.split(","):
            names += list(USUAL) if word == "usual" else list(UNUSUAL) if word == "unusual" else [word]
    unknown = [n for n in names if n not in Layer.tools]
    if unknown:
        sys.exit(f"unknown: {unknown}")
    began = time.monotonic()
    total = {"module_leaks": 0, "module_trials": 0, "positive_control_leaks": 0, "positive_control_trials": 0,
             "void_trials": 0}
    skipped, blind, notes = {}, [], []
    journal = Journal(options.journal)
    for name in options.layers.split(","):
        layer = Layer(name, options, journal)
        try:
            marked, control = layer.run(names)
        finally:
            layer.stop()
        for tool in names:
            if tool not in marked:
                continue
            if not isinstance(marked[tool], list):
                skipped[tool] = marked[tool]
                continue
            told = line(tool, name, marked[tool], control[tool])
            print(json.dumps(told), flush=True)
            total["module_leaks"] += told["leaks"]
            total["module_trials"] += told["trials"]
            total["positive_control_leaks"] += told["control_leaks"]
            total["positive_control_trials"] += told["control_trials"]
            total["void_trials"] += told["void"]
            if told["control_leaks"] < options.trials or told["trials"] < options.trials:
                blind.append(f"{tool} in {name}: {told['control_leaks']} of {options.trials}, {told['trials']} tried")
        notes += [f"{name}: {note}" for note in layer.notes]
    for note in notes:
        print(note, file=sys.stderr)
    total.update(skipped=skipped, incomplete=blind, seconds=round(time.monotonic() - began))
    print(json.dumps(total))
    return 0 if total["module_leaks"] == 0 and total["module_trials"] and not blind else 1


if __name__ == "__main__":
    sys.exit(main())
