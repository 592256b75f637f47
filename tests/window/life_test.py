"""The life of a window around its call: one click opens a meeting, a link starts the program or reaches the one that runs,
a page that dies comes back inside the call, and a closed window takes its camera and microphone with it.

Screenshots are kept in target/window-tests for a person to look at.
"""
import os, shutil, signal, subprocess, unittest

import numpy as np

from company import Bus, children
from desk import Window, free_port, need, scratch, wait_for
from meeting_test import BINARY, SHOTS, Person, camera_library

HANDED_OVER = "開いた招待リンクを入力しました"


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = scratch()
        camera = camera_library(self.folder)
        self.people, self.buses = [], []
        for name in ("佐藤", "Emma"):
            person = Person(name, camera)
            bus = Bus(person.folder)
            person.env["DBUS_SESSION_BUS_ADDRESS"] = bus.address
            person.env["FAKECAM_LOG"] = str(person.folder / "camera.log")
            self.people.append(person)
            self.buses.append(bus)

    def tearDown(self):
        SHOTS.mkdir(parents=True, exist_ok=True)
        for person, bus in zip(self.people, self.buses):
            try:
                person.shot(f"life-last-{person.name}")
            except Exception as error:  # a closed display must not hide the failure that closed it
                print("no last screenshot:", error)
            person.close()
            bus.stop()
            log = person.folder / "window.log"
            if log.exists():
                shutil.copy(log, SHOTS / f"life-log-{person.name}.txt")

    def one_click(self, person):
        """From a fresh start into a meeting of one's own."""
        person.open()
        person.window.button("すぐに会議をひらく")
        person.sees("まだあなただけです")
        person.sees("マイクとカメラはオフです")
        self.assertFalse(self.camera_is_open(person) or self.microphone_is_open(person), "one click opened a device")
        person.shot("life-1-one-click")

    @staticmethod
    def invitation(person):
        """A link, as the invitation dialog makes it."""
        person.window.button("招待する")
        person.window.button("リンクを作る")
        link = wait_for("the link", lambda: person.window.run(
            "return [...document.querySelectorAll('input')].map((e) => e.value).find((v) => v.startsWith('shoji://'))"))
        person.window.button("閉じる")
        return link

    def start_with(self, person, link):
        """A fresh start by a click on a link, up to the preparations."""
        person.window = Window(BINARY, person.env, person.folder, ["--profile", str(person.profile), link], free_port())
        person.sees(HANDED_OVER, 60)
        self.to_preparations(person)

    @staticmethod
    def to_preparations(person):
        person.window.click("form[aria-labelledby=join-title] button[type=submit]:not([disabled])")
        person.sees("に参加します")

    @staticmethod
    def camera_is_open(person):
        """By the camera's own account: as many closed as opened?"""
        log = person.folder / "camera.log"
        words = [line.split()[0] for line in log.read_text().splitlines() if line.strip()] if log.exists() else []
        return words.count("start") > words.count("stop")

    @staticmethod
    def microphone_is_open(person):
        # The microphone itself is a module that records from its feed; a program comes through the protocol.
        return "protocol-native" in person.sound.ctl("list", "short", "source-outputs")

    def both_closed(self, person):
        wait_for(f"{person.name}'s camera to close", lambda: not self.camera_is_open(person))
        wait_for(f"{person.name}'s microphone to close", lambda: not self.microphone_is_open(person))

    def test_a_call_outlives_its_page_and_ends_with_its_window(self):
        a, b = self.people
        self.one_click(a)
        self.start_with(b, self.invitation(a))
        b.window.button("参加する")
        for person in (a, b):
            person.sees("2 人")
        wait_for("B's camera to open", lambda: self.camera_is_open(b))
        wait_for("B's microphone to open", lambda: self.microphone_is_open(b))

        # The page of A dies in the middle of the call. The driver loses it with that; the screen does not.
        before = a.display.shot()
        b.window.run("""window.gone = 0; new MutationObserver(() => {
          if (!document.body.innerText.includes('2 人')) window.gone += 1;
        }).observe(document.body, {subtree: true, childList: true, characterData: true});""")
        dead = children(a.window.driver.process.pid, "WebKitWebProcess")
        self.assertTrue(dead, "no page process")
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        wait_for("the meeting on A's screen again, with a notice over it", lambda: self.is_back(a, before), 60)
        a.shot("life-2-reloaded")
        self.assertEqual(b.window.run("return window.gone"), 0, "B saw A go")
        self.assertTrue(self.camera_is_open(b), "B's camera was closed by it")

        # The page that came back is no picture: its keys open microphone and camera.
        self.by_hand(a, "mousemove", "640", "140", "click", "1", "key", "m", "key", "v")
        wait_for("A's microphone to open", lambda: self.microphone_is_open(a))
        wait_for("A's camera to open", lambda: self.camera_is_open(a))

        # A's window is asked to close in the call, as by its button: nothing of A's stays open, and B is told.
        self.by_hand(a, "key", "alt+F4")
        wait_for("A's program to end", lambda: not children(a.window.driver.process.pid, "shoji"))
        self.both_closed(a)
        b.sees("つなぎ直しています")

        # B leaves by the button: home, and nothing of B's stays open either.
        b.window.button("退出")
        b.sees("最近の会議")
        self.both_closed(b)

    @staticmethod
    def by_hand(person, *words):
        """Pointer, keys and the window manager's wishes, for when no driver can be had."""
        return subprocess.run([need("xdotool", "xdotool"), *words], env=person.env, check=True, capture_output=True, text=True).stdout

    @staticmethod
    def is_back(person, before):
        """The toolbar is where it was, and where there was nothing in the corner there is something."""
        now = person.display.shot()
        apart = lambda rows, columns: np.abs(now[rows, columns].astype(int) - before[rows, columns].astype(int)).mean()
        return apart(slice(700, 775), slice(330, 950)) < 4 and apart(slice(126, 150), slice(840, 1170)) > 2

    def test_a_link_reaches_the_window_that_is_open(self):
        _, b = self.people
        self.one_click(b)
        link = self.invitation(b)
        b.window.button("退出")
        b.window.button("自分だけ退出する")
        b.sees("最近の会議")
        again = subprocess.run([str(BINARY), "--profile", str(b.profile), link], env=b.env, timeout=60)
        self.assertEqual(again.returncode, 0)
        b.sees(HANDED_OVER)
        self.assertEqual(b.window.run("return document.querySelector('form[aria-labelledby=join-title] input').value"), link)
        self.assertEqual(len(children(b.window.driver.process.pid, "shoji")), 1)
        b.shot("life-3-handed-over")
        self.to_preparations(b)


if __name__ == "__main__":
    unittest.main()
