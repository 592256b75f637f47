"""Protection from screenshots on X11, in a window of the real program: it is proven before it is claimed, whoever captures
finds the cover, the cover says who it is, and ordinary programs do not make it blink.

The truth is read from the frame buffer of the X server, past the server. Screenshots are kept in target/window-tests for a
person to look at.
"""
import json, shutil, subprocess, sys, time, unittest

import numpy as np

from desk import ROOT, bind, need, wait_for
from meeting_test import SHOTS, Person

sys.path.insert(0, str(ROOT / "xorg-shield/tests"))
import xwire  # noqa: E402

# The colour of the cover.
GROUND = np.array([0x20, 0x21, 0x24], np.uint8)
DEMAND = """
  const done = arguments[arguments.length - 1];
  window.__TAURI_INTERNALS__.invoke('set_shield_minimum', { req: { role: null, level: arguments[0] } }).then(() => done('done'), (e) => done(JSON.stringify(e)));"""


class Shield(unittest.TestCase):
    def setUp(self):
        self.person = Person("佐藤", camera=None)
        self.person.open()
        self.person.window.button("すぐに会議をひらく")
        self.person.sees("まだあなただけです")

    def tearDown(self):
        SHOTS.mkdir(parents=True, exist_ok=True)
        log = self.person.folder / "window.log"
        if log.exists():
            shutil.copy(log, SHOTS / "shield-log.txt")
        self.person.close()

    def log(self, message):
        """The fields of every line with this message."""
        files = sorted((self.person.profile / "logs").iterdir(), key=lambda file: file.stat().st_mtime)
        lines = [json.loads(line)["fields"] for file in files for line in file.read_text().splitlines() if line.startswith("{")]
        return [fields for fields in lines if fields.get("message") == message]

    def demand(self, level):
        said = self.person.window.call("POST", "/execute/async", {"script": DEMAND, "args": [level]})
        self.assertEqual(said, "done")

    def told(self, level):
        """Which level was told last?"""
        told = self.log("the screenshot shield")
        return bool(told) and told[-1]["level"] == level

    @staticmethod
    def covered(picture):
        """Is the window covered in this picture? Most of it is then the ground of the cover."""
        return (picture == GROUND).all(axis=-1).mean() > 0.5

    def really_covered(self):
        return self.covered(self.person.display.truth())

    def keep(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        picture = self.person.display.truth()
        raw = b"P6\n%d %d\n255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes()
        subprocess.run(["convert", "ppm:-", str(SHOTS / f"{name}.png")], input=raw, check=True)

    def protect(self):
        self.demand("detect")
        wait_for("a cover while the protection starts", self.really_covered)
        self.keep("shield-1-start")
        wait_for("proof that captures are noticed", lambda: self.told("Detect"), 90)
        wait_for("the meeting to be seen again", lambda: not self.really_covered())
        self.person.sees("撮影に気づいて隠す")

    def test_a_capture_finds_the_cover_and_is_told(self):
        self.assertFalse(self.covered(self.person.display.shot()), "nothing is covered where nothing is demanded")
        self.protect()
        self.keep("shield-2-protected")
        self.person.shot("shield-3-captured")

        # Programs that are started, look and leave.
        found = [self.covered(self.person.display.shot()) for _ in range(8)]
        print(f"{found.count(False)} of {len(found)} single shots saw the meeting")
        self.assertGreater(found.count(True), len(found) // 2, "single shots find the cover nearly always")
        wait_for("the meeting to be seen again", lambda: not self.really_covered())
        told = self.log("the window was captured")
        self.assertTrue(any(str(fields.get("program", "")).startswith("import") and fields["covered"] for fields in told), told)

        # One that was there before: the first picture is lost, no other.
        spy = xwire.X(self.person.display.name[1:], bytes(16))
        time.sleep(3)
        wait_for("the spy to be taken for harmless", lambda: not self.really_covered())
        self.capture(spy)
        wait_for("the cover", self.really_covered)
        time.sleep(1)
        self.keep("shield-4-spied")
        leaks = sum(not self.covered(self.capture(spy)) for _ in range(30))
        self.assertEqual(leaks, 0, "from the second picture on nothing leaks")
        spy.close()
        wait_for("the meeting to be seen again", lambda: not self.really_covered())

        # Nothing is demanded any more.
        self.demand("none")
        wait_for("the end of it", lambda: self.told("None"))
        self.assertFalse(self.covered(self.person.display.shot()))

    @staticmethod
    def capture(spy):
        width, height = spy.size
        answer = spy.ask(73, 2, spy.pack("IhhHHI", spy.root, 0, 0, width, height, 0xFFFFFFFF))
        return np.frombuffer(answer[32:], np.uint8).reshape(height, width, 4)[:, :, 2::-1]

    def test_ordinary_programs_do_not_make_it_blink(self):
        self.protect()
        tools = [["xset", "q"], ["xrandr", "--current"], ["setxkbmap", "-query"]]
        seen = []
        for _ in range(20):
            for tool in tools:
                if not shutil.which(tool[0]):
                    continue
                subprocess.run(tool, env=self.person.env, capture_output=True, check=False)
                # What a person sees: the screen some moments later.
                time.sleep(0.1)
                seen.append(self.really_covered())
        self.assertEqual(seen.count(True), 0, f"covered after {seen.count(True)} of {len(seen)} starts")
        self.assertEqual(self.log("the window was captured"), [])

    def test_a_key_that_takes_pictures_covers_at_once(self):
        self.protect()
        subprocess.run([need("xdotool", "xdotool"), "key", "Print"], env=self.person.env, check=True)
        wait_for("the cover", self.really_covered)
        time.sleep(0.5)
        self.keep("shield-5-key")
        wait_for("the meeting to be seen again", lambda: not self.really_covered())
        wait_for("the incident", lambda: any(fields["method"] == "CaptureKey" for fields in self.log("the window was captured")))

    def test_the_program_that_such_a_key_starts_finds_the_cover_and_is_named(self):
        picture = self.person.folder / "key.ppm"
        bind(self.person.keys, Print=f"{need('import', 'imagemagick')} -window root -depth 8 {picture}")
        subprocess.run([need("openbox", "openbox"), "--reconfigure"], env=self.person.env, check=True)
        self.protect()
        subprocess.run([need("xdotool", "xdotool"), "key", "Print"], env=self.person.env, check=True)
        wait_for("the tool to end", lambda: picture.exists() and subprocess.run(["pgrep", "-f", str(picture)], capture_output=True).returncode == 1)
        head, size, _, pixels = picture.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        self.assertEqual(head, b"P6")
        shot = np.frombuffer(pixels, np.uint8, width * height * 3).reshape(height, width, 3)
        self.assertTrue(self.covered(shot), "the cover was there before the tool")
        wait_for("the meeting to be seen again", lambda: not self.really_covered())
        told = wait_for("the incident", lambda: self.log("the window was captured"))
        self.assertTrue(all(str(fields["program"]).startswith("import") for fields in told), f"the key is no story beside it: {told}")

    def test_another_size_of_the_screen_is_tested_again_and_stays_protected(self):
        self.protect()
        before = len(self.log("the shield was tested"))
        timing = "60 1024 1040 1050 1100 768 770 780 800".split()
        for change in (["--newmode", "smaller", *timing], ["--addmode", "screen", "smaller"], ["--output", "screen", "--mode", "smaller"]):
            subprocess.run([need("xrandr", "x11-xserver-utils"), *change], env=self.person.env, check=True)
        wait_for("another test", lambda: len(self.log("the shield was tested")) > before, 60)
        wait_for("it to hold", lambda: self.told("Detect"))


if __name__ == "__main__":
    unittest.main()
