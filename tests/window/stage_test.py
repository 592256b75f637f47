"""A shared screen in a window of its own: it shows what is shared, remembers its size, goes with the
share, and is protected as the meeting's window is.

The truth is read from the frame buffer of the X server, past the server. Screenshots are kept in target/window-tests for a
person to look at.
"""
import json, subprocess, time, unittest

from desk import need, wait_for
from meeting_test import SHOTS
from pair import Pair
import shield_test
from shield_test import INVOKE

APART = "さんの画面は別のウィンドウに表示しています"
POP_OUT = "別のウィンドウに表示"
BLUE, AMBER = (0x20, 0x60, 0xC0), (0xC0, 0x80, 0x20)


class Stage(Pair):
    SHOT = "stage"

    def setUp(self):
        super().setUp()
        self.people[1].env["SHOJI_LOG"] = "info,client::session::tiles=debug"
        self.shares, self.looks = self.meet()
        self.paint(BLUE)
        self.shares.window.button("画面共有")
        wait_for("the share to start", lambda: "画面を共有しています" in self.shares.window.text() or self.pick())
        self.looks.sees("佐藤 さんの画面")

    def pick(self):
        self.shares.window.run("""
          const screen = [...document.querySelectorAll('[role=dialog] li button')][0];
          screen?.click();""")
        return False

    def paint(self, colour):
        subprocess.run([need("xsetroot", "x11-xserver-utils"), "-display", self.shares.display.name, "-solid",
                        "#%02x%02x%02x" % colour], check=True)

    def stages(self):
        """Numbers of the windows of shared screens that are seen."""
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "^共有画面"], env=self.looks.env,
                               capture_output=True, text=True)
        return found.stdout.split()

    def place(self, number):
        """Left, top, width and height of a window on the screen."""
        shell = self.xdo(self.looks, "getwindowgeometry", "--shell", number)
        known = dict(line.split("=") for line in shell.splitlines())
        return [int(known[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]

    def pixels(self, place):
        left, top, width, height = place
        return self.looks.display.truth()[max(0, top):top + height, max(0, left):left + width]

    def shows(self, number, colour, part=0.1):
        """Is so much of the window of this colour? The other's windows lie on their screen, so it is never all of it."""
        return self.is_full(self.place(number), colour, part)

    def is_full(self, place, colour, part):
        near = (abs(self.pixels(place).astype(int) - colour) < 24).all(axis=-1)
        return near.mean() > part

    def keep(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        picture = self.looks.display.truth()
        raw = b"P6\n%d %d\n255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes()
        subprocess.run(["convert", "ppm:-", str(SHOTS / f"{name}.png")], input=raw, check=True)

    def pop_out(self):
        self.looks.window.button(POP_OUT)
        self.looks.sees(APART, 90)
        return wait_for("the window of the shared screen", self.stages, 90)[0]

    def test_it_shows_what_is_shared_remembers_its_size_and_goes_with_the_share(self):
        stage = self.pop_out()
        wait_for("the screen in it", lambda: self.shows(stage, BLUE))
        self.paint(AMBER)
        wait_for("what changed", lambda: self.shows(stage, AMBER))
        self.keep("stage-1-apart")

        # Its size is another one, also the next time.
        self.xdo(self.looks, "windowsize", "--sync", stage, "700", "480")
        time.sleep(1)
        self.looks.window.button("会議のウィンドウに戻す")
        wait_for("the window to be gone", lambda: not self.stages())
        self.looks.sees("佐藤 さんの画面")
        stage = self.pop_out()
        self.assertEqual(self.place(stage)[2:], [700, 480])
        wait_for("the screen in it again", lambda: self.shows(stage, AMBER))

        # Closed by the window manager: back in the meeting's window.
        self.xdo(self.looks, "windowclose", stage)
        wait_for("the window to be gone", lambda: not self.stages())
        wait_for("the stage in the meeting's window", lambda: APART not in self.looks.window.text())

        self.pop_out()
        self.shares.window.button("共有を止める")
        wait_for("the window to go with the share", lambda: not self.stages())
        wait_for("the note to go", lambda: APART not in self.looks.window.text())

    def test_a_minimised_window_is_sent_no_pictures(self):
        wait_for("the screen", lambda: self.looks.pixel("佐藤 さんの画面", 0.9, 0.9) is not None)
        wishes = lambda: [fields["wish"] for fields in self.log("what is wanted of pictures")]
        window = self.own_window(self.looks)
        self.xdo(self.looks, "windowminimize", window)
        wait_for("the screen to be given up", lambda: wishes()[-1:] == ["Hidden"])
        self.paint(AMBER)
        self.xdo(self.looks, "windowactivate", window)
        wait_for("the screen to be wanted again", lambda: wishes()[-1:] == ["Everything"])
        near = lambda got: got is not None and max(abs(g - w) for g, w in zip(got, AMBER)) < 24
        wait_for("what changed meanwhile", lambda: near(self.looks.pixel("佐藤 さんの画面", 0.995, 0.995)))

    def log(self, message):
        lines = [line for file in (self.looks.profile / "logs").iterdir() for line in file.read_text().splitlines()]
        fields = [json.loads(line)["fields"] for line in lines if line.startswith("{")]
        return [each for each in fields if each.get("message") == message]

    def test_where_protection_is_demanded_it_opens_protected(self):
        said = self.shares.window.call("POST", "/execute/async", {"script": INVOKE, "args": ["set_shield_minimum", {"role": None, "level": "detect"}]})
        self.assertEqual(said, "done")
        holds = lambda: [fields["level"] for fields in self.log("the screenshot shield")][-1:] == ["Detect"]
        wait_for("proof that captures are noticed", holds, 90)
        wait_for("pictures at the one who looks", lambda: self.looks.window.run(
            "return document.querySelector('button[aria-label=\"%s\"]') !== null" % POP_OUT), 60)
        self.looks.window.button(POP_OUT)
        wait_for("the window of its own", self.stages, 90)
        wait_for("the meeting's windows to be protected, the new one too", holds, 90)
        stage = self.stages()[0]
        self.xdo(self.looks, "windowactivate", "--sync", stage)
        # From here on no program is started to look: each is covered for until it is known.
        place = self.place(stage)
        seen, covered = lambda: self.is_full(place, BLUE, 0.1), lambda: self.is_full(place, shield_test.GROUND.astype(int), 0.5)
        wait_for("the screen in it", seen, 60)
        self.keep("stage-2-protected")
        # Who was there before gets one picture at most; from then on the cover lies over this window, too.
        spy = shield_test.xwire.X(self.looks.display.name[1:], bytes(16))
        self.addCleanup(spy.close)
        shield_test.Shield.capture(spy)
        wait_for("the cover", covered)
        self.keep("stage-3-covered")
        for _ in range(20):
            shield_test.Shield.capture(spy)
            self.assertTrue(covered(), "it stays covered")
        spy.close()
        wait_for("the screen to be seen again", seen)


if __name__ == "__main__":
    unittest.main()
