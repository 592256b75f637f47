"""The administrator's module in a private Xorg, with a window of the real program run by an ordinary user: "blocked" is
claimed only where the program's own test saw it, others then get black, the person still sees the meeting, and without
the module nobody says "blocked".

Needs root, because the server loads a module from here and the person must be somebody else than root, who is let through
everywhere. What root sees is the truth. Skipped, with the reason, where Xorg, its dummy driver or its headers are missing.
"""
import os, shutil, stat, subprocess, sys, unittest
from pathlib import Path

import numpy as np

from desk import ROOT, need, wait_for
from meeting_test import BINARY, SHOTS, Person
from shield_test import Protected

sys.path.insert(0, str(ROOT / "xorg-shield/tests"))
import server  # noqa: E402

SIZE = (1280, 800)
DRIVER = Path("/usr/lib/xorg/modules/drivers/dummy_drv.so")
AS_SOMEBODY = {"user": server.NOBODY, "group": server.NOBODY, "extra_groups": []}


def lacks():
    """Why this cannot be tested here; empty if it can."""
    if os.geteuid() != 0:
        return "only root may load a module into a private Xorg"
    if not (Path("/usr/lib/xorg/Xorg").exists() or shutil.which("Xorg")):
        return "there is no Xorg: apt-get install xserver-xorg-core"
    if not DRIVER.exists():
        return "Xorg has no dummy driver: apt-get install xserver-xorg-video-dummy"
    if subprocess.run(["pkg-config", "--exists", "xorg-server"], check=False).returncode != 0:
        return "the headers of Xorg are missing: apt-get install xserver-xorg-dev"
    return ""


class Screen:
    """A private Xorg, seen as `desk.Display` is: by root, so as it is."""

    def __init__(self, folder, module):
        del folder
        self.server = server.Server("", module=module, size=SIZE)
        self.env = {key: self.server.env[key] for key in ("DISPLAY", "XAUTHORITY")}
        self.name = self.env["DISPLAY"]

    def shot(self, save=None, **who):
        """What a tool gets, run by root or by somebody else."""
        raw = subprocess.run([need("import", "imagemagick"), "-window", "root", "-depth", "8", "ppm:-"], check=True,
                             capture_output=True, env={**os.environ, **self.env, "HOME": "/nonexistent"}, **who).stdout
        head, size, _, pixels = raw.split(b"\n", 3)
        width, height = map(int, size.split())
        assert head == b"P6"
        if save:
            subprocess.run(["convert", "ppm:-", str(save)], input=raw, check=True)
        return np.frombuffer(pixels, np.uint8, width * height * 3).reshape(height, width, 3)

    def truth(self):
        return self.shot()

    def others(self, save=None):
        """What a tool of the same person gets."""
        return self.shot(save, **AS_SOMEBODY)

    def stop(self):
        self.server.stop()


class Somebody(Person):
    """A person who is not root, with an Xorg."""

    who = AS_SOMEBODY

    def __init__(self, name, module):
        self.module = module
        super().__init__(name, camera=None)

    def desk(self):
        self.folder.chmod(0o755)
        for folder in ("", "data", "config", "cache", "run"):
            path = self.folder / folder
            path.mkdir(exist_ok=True)
            os.chown(path, server.NOBODY, server.NOBODY)
        return Screen(self.folder, self.module)

    def program(self):
        # Where the tree is, only its owner may be allowed to go.
        program = self.folder / "shoji"
        shutil.copy(BINARY, program)
        program.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        return program


@unittest.skipIf(lacks(), lacks())
class Module(Protected):
    has_module = True

    @classmethod
    def setUpClass(cls):
        built = subprocess.run(["make", "-s", "-C", str(ROOT / "xorg-shield"), "build/libshojishield.so"], capture_output=True,
                               text=True, check=False)
        if built.returncode != 0:
            raise AssertionError(f"the module does not build: {built.stderr[-2000:]}")

    def somebody(self):
        return Somebody("佐藤", self.has_module)

    @staticmethod
    def black(picture):
        """How much of it is black."""
        return (picture == 0).all(axis=-1).mean()

    def test_blocked_is_claimed_after_a_test_and_others_get_black(self):
        bare = self.black(self.person.display.others())
        self.assertLess(bare, 0.5, "a tool sees the meeting before anything is demanded")
        self.demand("block")
        wait_for("proof that captures show nothing", lambda: self.told("Block"), 120)
        self.person.sees("撮影に写らない")
        told = self.log("the screenshot shield")[-1]
        self.assertEqual(told["mechanism"], "X11Module")
        tested = self.log("the shield was tested")
        self.assertTrue(tested and tested[-1]["module"] and tested[-1]["proof"] == "Held", tested)

        SHOTS.mkdir(parents=True, exist_ok=True)
        for shot in range(5):
            self.assertGreater(self.black(self.person.display.others(SHOTS / "module-1-others.png")), 0.9, f"shot {shot}")
        seen = self.person.display.shot(SHOTS / "module-2-person.png")
        self.assertLess(self.black(seen), 0.5, "the person sees the meeting")
        self.assertFalse(self.covered(seen), "nothing is covered where the server keeps captures away")
        window = self.number()
        one = subprocess.run([need("import", "imagemagick"), "-window", window, "-depth", "8", "ppm:-"], check=True, capture_output=True,
                             env={**os.environ, **self.person.display.env, "HOME": "/nonexistent"}, **AS_SOMEBODY).stdout
        pixels = np.frombuffer(one.split(b"\n", 3)[3], np.uint8)
        self.assertTrue(pixels.size and not pixels.any(), "the window by its own number is black, too")
        # Who captures is told of all the same.
        told = wait_for("the capture to be told", lambda: self.log("the window was captured"))
        self.assertTrue(all(fields["covered"] for fields in told), f"what is black is told as what is covered: {told}")

        self.demand("none")
        wait_for("the end of it", lambda: self.told("None"))
        wait_for("tools to see the meeting again", lambda: self.black(self.person.display.others()) < 0.5)

    def number(self):
        """The meeting's window, as tools name it."""
        said = subprocess.run([need("xdotool", "xdotool"), "search", "--onlyvisible", "--class", "shoji"], capture_output=True, text=True,
                              check=True, env={**os.environ, **self.person.display.env}).stdout.split()
        self.assertTrue(said, "there is a window")
        return said[-1]


class NoModule(Module):
    """The same server without it."""

    has_module = False

    def test_blocked_is_claimed_after_a_test_and_others_get_black(self):
        self.demand("block")
        wait_for("a lower level, proven", lambda: self.told("Detect"), 120)
        self.assertFalse(any(told["level"] == "Block" for told in self.log("the screenshot shield")))
        self.person.sees("映像は届きません")


if __name__ == "__main__":
    unittest.main()
