"""A private X server with the module, and the programs on it, for the tests. Everything runs as an ordinary user except the
server and whoever reads the truth. Needs root (the server loads a module from here), Xorg and its dummy driver.
What is started is bounded in time and is ended by `Server.stop`.
"""
import os
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
WIDTH, HEIGHT = 640, 480
NOBODY = 65534

CONF = """
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoAddGPU" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Files"
  ModulePath "{home}/modules,/usr/lib/xorg/modules"
EndSection
{module}
Section "Monitor"
  Identifier "m"
  HorizSync 5.0-1000.0
  VertRefresh 5.0-200.0
  {modeline}
EndSection
{screens}
Section "ServerLayout"
  Identifier "l"
  {layout}
EndSection
"""

SCREEN = """
Section "Device"
  Identifier "d{number}"
  Driver "dummy"
  VideoRam 16384
EndSection
Section "Screen"
  Identifier "s{number}"
  Device "d{number}"
  Monitor "m"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual {width} {height}
    Modes "{width}x{height}"
  EndSubSection
EndSection
"""

MODULE = """
Section "Module"
  SubSection "shojishield"
    Option "Compositors" "{home}/compositors.conf"
  EndSubSection
EndSection
"""


class Server:
    def __init__(self, compositors, module=True, reset=False, seconds=7200, screens=1, list_mode=0o644,
                 size=(WIDTH, HEIGHT)):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="shield-e2e-"))
        self.children = []
        self.display = free_display()
        self.cookie = secrets.token_bytes(16)
        # SHIELD_ASAN=1: the module built by `make asan`, in a server with the sanitizer's library.
        asan = bool(os.environ.get("SHIELD_ASAN"))
        self.library = BUILD / ("asan/libshojishield.so" if asan else "libshojishield.so")
        (self.home / "modules/extensions").mkdir(parents=True)
        if module:
            shutil.copy(self.library, self.home / "modules/extensions")
        (self.home / "compositors.conf").write_text(compositors)
        (self.home / "compositors.conf").chmod(list_mode)
        conf = self.home / "xorg.conf"
        width, height = size
        # A mode that is not built in, with ordinary pauses around each line.
        total = (width + 400, height + 31)
        modeline = (f'Modeline "{width}x{height}" {total[0] * total[1] * 60 / 1e6:.2f} {width} {width + 72} {width + 200} {total[0]} '
                    f'{height} {height + 3} {height + 9} {total[1]} -hsync +vsync')
        conf.write_text(CONF.format(
            modeline="" if size == (WIDTH, HEIGHT) else modeline, home=self.home, module=MODULE.format(home=self.home) if module else "",
            screens="".join(SCREEN.format(number=n, width=width, height=height) for n in range(screens)),
            layout="\n  ".join(f'Screen {n} "s{n}"' + (f' RightOf "s{n - 1}"' if n else "") for n in range(screens))))
        authority = self.home / "Xauthority"
        name = b"MIT-MAGIC-COOKIE-1"
        # Family 0xffff: for any address. Old libraries look only for this computer's name (family 256).
        secret = struct.pack(">H", len(name)) + name + struct.pack(">H", 16) + self.cookie
        host, number = socket.gethostname().encode(), str(self.display).encode()
        authority.write_bytes(struct.pack(">HHH", 0xFFFF, 0, 0) + secret + struct.pack(">HH", 256, len(host)) + host +
                              struct.pack(">H", len(number)) + number + secret)
        self.user_home = self.home / "user"
        self.user_home.mkdir()
        (self.user_home / "run").mkdir(mode=0o700)
        for path in (self.home, authority, self.user_home, self.user_home / "run"):
            os.chown(path, NOBODY if path != self.home else 0, -1)
        self.home.chmod(0o755)
        self.env = {
            "DISPLAY": f":{self.display}",
            "XAUTHORITY": str(authority),
            "HOME": str(self.user_home),
            "XDG_RUNTIME_DIR": str(self.user_home / "run"),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "SHIELD_COOKIE": self.cookie.hex(),
        }
        self.log = self.home / "Xorg.log"
        self.printed = open(self.home / "Xorg.out", "w")
        # Debian's /usr/bin/Xorg is a script around this one.
        xorg = "/usr/lib/xorg/Xorg" if os.path.exists("/usr/lib/xorg/Xorg") else "Xorg"
        wrapped = ["env", f"LD_PRELOAD={sanitizer()}", "ASAN_OPTIONS=detect_leaks=0:handle_segv=0"] if asan else []
        command = ["timeout", str(seconds), *wrapped, xorg, self.env["DISPLAY"], "-config", str(conf), "-auth", str(authority),
                   "-nolisten", "tcp", "-logfile", str(self.log), "-novtswitch", "-sharevts", "vt7"]
        if not reset:
            command.append("-noreset")
        self.xorg = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.printed, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        for _ in range(200):
            if self.xorg.poll() is not None:
                raise SystemExit(f"Xorg ended with {self.xorg.returncode}; see {self.log}")
            try:
                if os.path.exists(f"/tmp/.X11-unix/X{self.display}") and self.run(["xdpyinfo"], root=True).returncode == 0:
                    return
            except TimeoutError:
                pass  # a machine that stands still
            time.sleep(0.05)
        raise SystemExit(f"Xorg does not answer; see {self.log}")

    def alive(self):
        return self.xorg.poll() is None

    def trouble(self):
        """What a sanitizer or the server said of a crash; empty if all is well."""
        out = (self.home / "Xorg.out").read_text(errors="replace")
        return [line for line in out.splitlines() if "runtime error" in line or "Sanitizer" in line or "Segmentation" in line]

    def _user(self, root):
        return {} if root else {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def run(self, command, root=False, timeout=30, env=None, **more):
        """Runs to its end; a program that takes too long is ended with all it started: TimeoutError."""
        process = self.popen(command, root, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, keep=False, **more)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end(process)
            process.communicate()
            raise TimeoutError(command[0]) from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def popen(self, command, root=False, env=None, keep=True, **streams):
        streams.setdefault("stdin", subprocess.DEVNULL)
        streams.setdefault("stdout", subprocess.DEVNULL)
        streams.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, env={**self.env, **(env or {})}, cwd=self.user_home, start_new_session=True,
                                   **self._user(root), **streams)
        if keep:
            self.children.append(process)
        return process

    def bus(self):
        """A D-Bus session for the tools that want one."""
        daemon = self.popen(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = daemon.stdout.readline().strip()

    def seen(self, colour, way="image-root", window=0, root=True):
        """How many pixels of a colour `prober` sees; as root that is the truth."""
        out = self.run([str(BUILD / "prober"), way, str(window), f"{colour:06x}"], root=root).stdout.decode().split()
        return int(out[1]) if len(out) == 2 and out[0] == "seen" else None

    def stop(self):
        for child in reversed(self.children):
            end(child)
        end(self.xorg)
        self.printed.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Owner:
    """The program with the window, told what to do line by line."""

    def __init__(self, server, mark):
        self.process = server.popen([str(BUILD / "owner")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.server, self.marked = server, mark
        self.window = int(self.process.stdout.readline())
        self.colour = 0
        if mark:
            self.tell("mark")

    def tell(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        if not self.process.stdout.readline() and what != "quit":
            raise RuntimeError(f"the owner ended at {what!r}")

    def show(self, colour):
        """Paints, and waits until that is what the screen shows."""
        self.colour = colour
        self.tell(f"paint {colour:06x}")
        for attempt in range(60):
            if self.server.seen(colour):
                return True
            if attempt % 20 == 19:
                self.tell("map")  # openbox loses what is mapped while it starts
            time.sleep(0.03)
        return False

    def stop(self):
        end(self.process)


def sanitizer():
    return subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()


def end(process):
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        except ProcessLookupError:
            pass


def free_display():
    for number in range(80, 200):
        if not os.path.exists(f"/tmp/.X11-unix/X{number}") and not os.path.exists(f"/tmp/.X{number}-lock"):
            return number
    raise SystemExit("no free display")
