"""Protection from screenshots on X11, in a window of the real program: it is proven before it is claimed, whoever captures
finds the cover, the cover says who it is, and ordinary programs do not make it blink.

The truth is read from the frame buffer of the X server, past the server. Screenshots are kept in target/window-tests for a
person to look at.
"""
import json, shutil, subprocess, sys, time, unittest

import numpy as np

from desk import ROOT, Child, bind, need, wait_for
from meeting_test import SHOTS, Person

sys.path.insert(0, str(ROOT / "xorg-shield/tests"))
import xwire  # noqa: E402

# The colour of the cover.
GROUND = np.array([0x20, 0x21, 0x24], np.uint8)
INVOKE = """
  const done = arguments[arguments.length - 1];
  window.__TAURI_INTERNALS__.invoke(arguments[0], { req: arguments[1] }).then(() => done('done'), (e) => done(JSON.stringify(e)));"""


class Protected(unittest.TestCase):
    """A meeting of one, whose log is read."""

    def somebody(self):
        return Person("佐藤", camera=None)

    def setUp(self):
        self.person = self.somebody()
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
        self.invoke("set_shield_minimum", role=None, level=level)

    def invoke(self, command, **wish):
        """As the page asks Rust."""
        said = self.person.window.call("POST", "/execute/async", {"script": INVOKE, "args": [command, wish]})
        self.assertEqual(said, "done")

    def told(self, level):
        """Which level was told last?"""
        told = self.log("the screenshot shield")
        return bool(told) and told[-1]["level"] == level

    @staticmethod
    def covered(picture):
        """Is the window covered in this picture? Most of it is then the ground of the cover."""
        return (picture == GROUND).all(axis=-1).mean() > 0.5


class Shield(Protected):
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
        self.assertTrue(all(fields["method"] != "CaptureKey" for fields in told), f"the key is no story beside it: {told}")
        # Whose a connection was cannot always be said: it may be gone before it is looked up.
        others = [fields["program"] for fields in told if "program" in fields and not str(fields["program"]).startswith("import")]
        self.assertEqual(others, [])

    def test_if_wished_it_is_covered_while_another_window_is_in_use(self):
        self.invoke("change_settings", cover_unfocused=True)
        self.protect()
        self.use_another()
        wait_for("the cover", self.really_covered)
        # A program that has just come would be let go meanwhile.
        time.sleep(4)
        self.assertTrue(self.really_covered(), "covered for as long as the other window is in use")
        self.keep("shield-6-unfocused")
        self.other.stop()
        wait_for("the meeting to be seen again", lambda: not self.really_covered())
        self.assertEqual(self.log("the window was captured"), [], "nobody captured anything")
        self.invoke("change_settings", cover_unfocused=False)
        self.use_another()
        time.sleep(4)
        self.assertFalse(self.really_covered(), "nobody wishes it any more")
        self.other.stop()

    def use_another(self):
        """A window of another program comes, and gets the keyboard."""
        self.other = Child([need("xev", "x11-utils"), "-geometry", "200x120+10+10"], env=self.person.env)
        self.addCleanup(self.other.stop)
        wait_for("the other window", lambda: "Event Tester" in subprocess.run(
            [need("xdotool", "xdotool"), "getactivewindow", "getwindowname"], env=self.person.env, capture_output=True, text=True).stdout)

    def test_a_test_of_the_shield_does_not_cover_the_meeting(self):
        self.protect()
        before = len(self.log("the shield was tested"))
        self.resize()
        covered = tested = 0
        end = time.monotonic() + 60
        while len(self.log("the shield was tested")) == before and time.monotonic() < end:
            covered += self.really_covered()
            tested += 1
        print(f"covered in {covered} of {tested} looks while the shield was tested")
        self.assertGreater(len(self.log("the shield was tested")), before, "the shield was tested")
        self.assertEqual(self.log("the window was captured"), [], "the test is no story")

    def test_another_size_of_the_screen_is_tested_again_and_stays_protected(self):
        self.protect()
        before = len(self.log("the shield was tested"))
        self.resize()
        wait_for("another test", lambda: len(self.log("the shield was tested")) > before, 60)
        wait_for("it to hold", lambda: self.told("Detect"))

    def resize(self):
        timing = "60 1024 1040 1050 1100 768 770 780 800".split()
        for change in (["--newmode", "smaller", *timing], ["--addmode", "screen", "smaller"], ["--output", "screen", "--mode", "smaller"]):
            subprocess.run([need("xrandr", "x11-xserver-utils"), *change], env=self.person.env, check=True)


if __name__ == "__main__":
    unittest.main()
