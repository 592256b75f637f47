"""What the matrix measures beside leaks: how fast the cover comes, what watching costs, how long the start of an ordinary program
covers, and what a program sees that was there before. Run by `matrix.py`, in one private Xvfb.
"""
import math
import os
import pathlib
import socket
import statistics
import struct
import time

import e2e
import xwire


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
        owner.forget()
        stranger, said = hello(screen.display)
        at = covered_after(owner, said)
        stranger.close()
        if at is not None:
            found.append((at - said) / 1000)
        if not owner.show(owner.colour):
            break
    return found


def core_percent(pid, seconds):
    """What the shield's threads take while nothing happens, of one core."""
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
        owner.forget()
        screen.run(["xset", "q"])
        for _ in range(300):
            gone = [event["after_us"] / 1000 for event in owner.events() if event["event"] == "uncovered"]
            if gone:
                found += gone[:1]
                break
            time.sleep(0.01)
    return found


def spread(name, found):
    """Half of them, 95 of a hundred, and all of them were at most so long."""
    found = sorted(found)
    if not found:
        return {f"{name}_trials": 0}
    return {f"{name}_median_ms": round(statistics.median(found), 3), f"{name}_worst_ms": round(found[-1], 3),
            f"{name}_p95_ms": round(found[math.ceil(len(found) * 0.95) - 1], 3), f"{name}_trials": len(found)}


def measure(screen, owner, options):
    """All of it."""
    owner.tell("map")
    owner.show(e2e.colour())
    times = delays(screen, owner, options.times)
    spied = [found for found in (resident(screen, owner, 30) for _ in range(options.residents)) if found]
    starts = ordinary(screen, owner, options.residents * 2)
    owner.tell("still")
    time.sleep(3)
    idle = core_percent(owner.process.pid, options.idle)
    return {**spread("cover", times), **spread("ordinary", starts), "idle_core_pct": round(idle, 2), "residents": len(spied),
            "resident_first_leaks": sum(first for first, _ in spied), "resident_later_leaks": sum(later for _, later in spied)}
