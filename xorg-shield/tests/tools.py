"""The ways to take a picture that the shield is tried against: the usual tools, and `prober`'s. Each answers how many pixels
of the protected window's colour came back (0: nothing was seen), or raises Missing when it is not installed.
"""
import os
import shutil
import socket
import struct
import subprocess
import time

from server import BUILD, HEIGHT, WIDTH, end

# Where mss, Pillow and pyautogui lie, if not where /usr/bin/python3 finds them: the environment's SHIELD_PYTHONPATH, readable
# by everybody.


class Missing(Exception):
    pass


class Failed(Exception):
    """The tool made no picture at all. With the shield that is no leak; in the control it proves nothing."""


def count(rgb, colour):
    """Runs of four pixels of the colour in bytes of three a pixel: noise does not make such a run."""
    return rgb.count(colour.to_bytes(3, "big") * 4)


def count_file(path, colour):
    """Any picture file, read by ImageMagick."""
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        raise Failed(f"{path} was not written")
    raw = subprocess.run(["convert", str(path), "-depth", "8", "rgb:-"], capture_output=True)
    if raw.returncode != 0:
        raise Failed(raw.stderr.decode())
    return count(raw.stdout, colour)


def to_file(*command, suffix="png", timeout=30, env=None):
    """A tool that writes a file. In its words FILE and WINDOW are replaced."""
    def take(server, owner):
        if not shutil.which(command[0]):
            raise Missing(command[0])
        path = server.user_home / f"shot.{suffix}"
        path.unlink(missing_ok=True)
        words = [w.replace("FILE", str(path)).replace("WINDOW", str(owner.window)) for w in command]
        ran = server.run(words, timeout=timeout, env=env)
        if not path.exists():
            raise Failed(f"{words[0]}: {ran.returncode} {ran.stderr.decode()[-300:]}")
        return count_file(path, owner.colour)
    return take


def ffmpeg_single(server, owner):
    if not shutil.which("ffmpeg"):
        raise Missing("ffmpeg")
    ran = server.run(["ffmpeg", "-v", "error", "-f", "x11grab", "-video_size", f"{WIDTH}x{HEIGHT}", "-i",
                      server.env["DISPLAY"], "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
    if not ran.stdout:
        raise Failed(ran.stderr.decode())
    return count(ran.stdout, owner.colour)


FRAME = WIDTH * HEIGHT * 3


def recording(server, begin, happen):
    """What ffmpeg films while something happens. `begin`: before the first picture, `happen`: after it."""
    if not shutil.which("ffmpeg"):
        raise Missing("ffmpeg")
    path = server.user_home / "film.rgb"
    path.unlink(missing_ok=True)
    begin()
    recorder = server.popen(["ffmpeg", "-v", "error", "-f", "x11grab", "-framerate", "15", "-video_size", f"{WIDTH}x{HEIGHT}",
                             "-i", server.env["DISPLAY"], "-t", "2", "-f", "rawvideo", "-pix_fmt", "rgb24", str(path)])
    for _ in range(100):
        if path.exists() and path.stat().st_size:
            break
        time.sleep(0.03)
    time.sleep(0.2)
    happen()
    if recorder.poll() is not None:
        # A machine that stood still.
        raise TimeoutError("ffmpeg")
    try:
        recorder.wait(20)
    except subprocess.TimeoutExpired:
        end(recorder)
    film = path.read_bytes() if path.exists() else b""
    if len(film) < FRAME * 5:
        raise Failed(f"ffmpeg recorded {len(film)} bytes")
    return film


def ffmpeg_running(server, owner):
    """Records before the window comes."""
    colour = owner.colour
    return count(recording(server, lambda: owner.tell("unmap"), lambda: appear(owner, colour)), colour)


def ffmpeg_before(server, owner):
    """Records before the window comes and before it is protected."""
    colour = owner.colour

    def begin():
        owner.tell("unmap")
        if owner.marked:
            owner.tell("unmark")

    def happen():
        if owner.marked:
            owner.tell("mark")
        appear(owner, colour)
    return count(recording(server, begin, happen), colour)


def ffmpeg_after(server, owner):
    """Begins to record while the window is there. Only what it sees after its first picture counts here."""
    colour = owner.colour
    return count(recording(server, lambda: None, lambda: None)[FRAME:], colour)


def appear(owner, colour):
    owner.tell("map")
    owner.tell(f"paint {colour:06x}")


def python(module, code):
    found = []

    def take(server, owner):
        interpreter = "/usr/bin/python3"
        env = {"PYTHONPATH": os.environ.get("SHIELD_PYTHONPATH", "")}
        path = server.user_home / "shot.png"
        path.unlink(missing_ok=True)
        if not found:
            if server.run([interpreter, "-c", f"import {module}"], env=env).returncode != 0:
                raise Missing(f"{module} for {interpreter}")
            found.append(module)
        ran = server.run([interpreter, "-c", code.replace("FILE", repr(str(path)))], env=env)
        if not path.exists():
            raise Failed(ran.stderr.decode()[-300:])
        return count_file(path, owner.colour)
    return take


def x11vnc(server, owner):
    """A VNC server of the user's, and a viewer that asks for the whole screen once."""
    if not shutil.which("x11vnc"):
        raise Missing("x11vnc")
    port = free_port()
    vnc = server.popen(["x11vnc", "-display", server.env["DISPLAY"], "-auth", server.env["XAUTHORITY"], "-rfbport", str(port),
                        "-localhost", "-no6", "-once", "-nopw", "-quiet", "-noxdamage", "-noxrecord"])
    try:
        return count(vnc_screen(port), owner.colour)
    finally:
        end(vnc)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def vnc_screen(port):
    deadline = time.monotonic() + 15
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise Failed("x11vnc does not answer") from None
            time.sleep(0.05)
    with s, s.makefile("rb") as incoming:
        s.sendall(incoming.read(12))
        kinds = incoming.read(incoming.read(1)[0])
        assert 1 in kinds, kinds
        s.sendall(b"\x01")
        assert incoming.read(4) == b"\0\0\0\0"
        s.sendall(b"\x01")
        width, height = struct.unpack(">HH", incoming.read(4))
        incoming.read(16)
        incoming.read(struct.unpack(">I", incoming.read(4))[0])
        # 32 bits a pixel, big endian, red first after a byte of nothing; raw.
        s.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 1, 1, 255, 255, 255, 16, 8, 0))
        s.sendall(struct.pack(">BxHi", 2, 1, 0))
        s.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        pixels = b""
        wanted = width * height * 4
        while len(pixels) < wanted:
            kind = incoming.read(1)
            if kind != b"\0":
                raise Failed(f"x11vnc sent {kind!r}")
            _, rects = struct.unpack(">BH", incoming.read(3))
            for _ in range(rects):
                _, _, w, h, encoding = struct.unpack(">HHHHi", incoming.read(12))
                if encoding != 0:
                    raise Failed(f"x11vnc sent encoding {encoding}")
                pixels += incoming.read(w * h * 4)
    return b"".join(pixels[i + 1:i + 4] for i in range(0, len(pixels), 4))


def probe(way, between=None):
    """One of prober's ways; `between` is what the owner does while it waits."""
    def take(server, owner):
        prober = server.popen([str(BUILD / "prober"), way, str(owner.window), f"{owner.colour:06x}"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if between:
            if way in BEFORE:
                owner.tell("unmap")
            if prober.stdout.readline() != "ready\n":
                raise Failed(f"{way} did not get ready")
            for what in between:
                owner.tell(what.replace("COLOUR", f"{owner.colour:06x}"))
            prober.stdin.write("go\n")
            prober.stdin.flush()
        try:
            out, _ = prober.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            end(prober)
            raise TimeoutError(way) from None
        restore(owner, way)
        words = out.split()
        if len(words) != 2 or words[0] != "seen":
            raise Failed(f"{way} said {out!r} and ended with {prober.returncode}")
        return int(words[1])
    return take


# Ways that a layer makes impossible for any window, so that a control there says nothing: a window manager lets go of a
# window that is reparented, and spectacle refuses without a D-Bus session (what that starts would keep the server from
# beginning anew).
NOT_IN = {"reparent": {"wm", "wm+compositor", "in-place"}, "spectacle": {"regeneration"}}

# Ways in which the window is not there when the reader begins.
BEFORE = {"idle", "render-late"}


def restore(owner, way):
    if way in ("none-below", "name-gone"):
        owner.tell("map")
    if way == "name-stale":
        owner.tell("size 240 180")
    if way == "reparent":
        owner.tell("map")


USUAL = {
    "scrot": to_file("scrot", "-o", "FILE"),
    "maim": to_file("maim", "FILE"),
    "maim-window": to_file("maim", "-i", "WINDOW", "FILE"),
    "import-root": to_file("import", "-silent", "-window", "root", "FILE"),
    "import-window": to_file("import", "-silent", "-window", "WINDOW", "FILE"),
    "xwd-root": to_file("xwd", "-silent", "-root", "-out", "FILE", suffix="xwd"),
    "xwd-window": to_file("xwd", "-silent", "-id", "WINDOW", "-out", "FILE", suffix="xwd"),
    "gnome-screenshot": to_file("gnome-screenshot", "-f", "FILE"),
    "xfce4-screenshooter": to_file("xfce4-screenshooter", "-f", "-s", "FILE"),
    "flameshot": to_file("flameshot", "full", "-p", "FILE"),
    "spectacle": to_file("spectacle", "-b", "-n", "-f", "-o", "FILE"),
    "ksnip": to_file("ksnip", "-f", "-p", "FILE"),
    "ffmpeg": ffmpeg_single,
    "ffmpeg-running": ffmpeg_running,
    "ffmpeg-before": ffmpeg_before,
    "ffmpeg-after": ffmpeg_after,
    "mss": python("mss", "import mss; m = mss.mss(); s = m.grab(m.monitors[0]); import mss.tools; "
                         "mss.tools.to_png(s.rgb, s.size, output=FILE)"),
    "pillow": python("PIL", "from PIL import ImageGrab; ImageGrab.grab(xdisplay='').save(FILE)"),
    "pyautogui": python("pyautogui", "import pyautogui; pyautogui.screenshot(FILE)"),
    "x11vnc": x11vnc,
    "idle": probe("idle", ["map", "paint COLOUR"]),
    "pipelined": probe("pipelined"),
}

UNUSUAL = {
    **{way: probe(way) for way in (
        "image-window image-frame image-planes shm-root copy-root copy-window copy-frame copy-planes name-window name-frame "
        "name-copy overlay render-root render-window render-name render-mask render-shapes none-over redirect-over "
        "claim-compositor tile background reparent child unmark foreign-pixmap double-buffer").split()},
    "name-stale": probe("name-stale", ["size 244 184"]),
    "name-gone": probe("name-gone", ["unmap"]),
    "none-below": probe("none-below", ["unmap"]),
    "render-late": probe("render-late", ["map", "paint COLOUR"]),
}
