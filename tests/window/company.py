"""What several window tests share besides the desk: a private session bus, and the processes of a program."""
import subprocess

from desk import Child, need, wait_for


class Bus:
    """A session bus of its own: a second start finds the first one here, and no keyring of the machine is touched."""

    def __init__(self, folder):
        where = folder / "bus"
        self.daemon = Child([need("dbus-daemon", "dbus"), "--session", "--nofork", f"--address=unix:path={where}"], log=folder / "bus.log")
        wait_for("the session bus", where.exists)
        self.address = f"unix:path={where}"

    def stop(self):
        self.daemon.stop()


def children(pid, name):
    """Processes below `pid` whose name begins like this; the kernel keeps 15 letters of it."""
    out = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in out.splitlines()]
    below, grown = {str(pid)}, True
    while grown:
        new = {p for p, parent, _ in rows if parent in below} - below
        below |= new
        grown = bool(new)
    return [int(p) for p, _, comm in rows if p in below and comm.startswith(name[:15])]
