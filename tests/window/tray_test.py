"""The sign in the tray during a meeting: what a panel shows of it, and what choosing from its menu does. The panel is played by
the test (`desktop.py`) on a private bus; the program's library for trays and its window are real.
"""
import subprocess, unittest
from pathlib import Path

import numpy as np

from desk import need, wait_for
from desktop import TrayHost
from pair import Pair


class Tray(Pair):
    NAMES = ("佐藤",)
    SHOT = "tray"

    def setUp(self):
        super().setUp()
        self.panel = TrayHost(self.buses[0].address)

    def tearDown(self):
        self.panel.stop()
        super().tearDown()
        self.assertEqual(self.panel.trouble, [])

    def mark(self):
        """The colour in the middle of the mark, read from the picture that the panel is to show."""
        picture = Path(self.panel.property("IconName"))
        if not picture.is_absolute():
            picture = Path(self.panel.property("IconThemePath")) / f"{picture.name}.png"
        return picture, self.pixels(picture)

    @staticmethod
    def pixels(picture):
        raw = subprocess.run([need("convert", "imagemagick"), str(picture), "-depth", "8", "rgba:-"], check=True, capture_output=True).stdout
        side = int(np.sqrt(len(raw) / 4))
        return np.frombuffer(raw, np.uint8).reshape(side, -1, 4)

    def test_the_tray_shows_whether_one_is_heard_and_mutes(self):
        (a,) = self.people
        a.open()
        self.assertEqual(self.panel.items, [], "a sign without a meeting")
        a.name_oneself()
        a.window.button("すぐに会議をひらく")
        a.sees("まだあなただけです")
        wait_for("the sign", self.panel.is_shown)

        def shows(title, label, colour):
            wait_for(title, lambda: self.title(a).startswith(title))
            wait_for(f"the entry {label}", lambda: label in self.panel.menu())
            menu = list(self.panel.menu())
            self.assertEqual(menu, [label, "ウィンドウを表示", "会議から退出", "Shoji を終了"])
            def marked():
                _, picture = self.mark()
                height, width, _ = picture.shape
                # The mark is a disc in the lower right corner, a quarter of the width in radius.
                r, g, b, alpha = (int(c) for c in picture[int(height * 0.6), int(width * 0.75)])
                return alpha == 255 and (r > g + 60 if colour == "red" else g > r + 60)
            wait_for(f"a {colour} mark", marked)

        shows("ミュート中 – ", "ミュートを解除する", "red")
        self.panel.choose("ミュートを解除する")
        shows("マイクがオン – ", "ミュートする", "green")
        # Muted in the window: the tray follows.
        a.window.click("[role=toolbar] button")
        shows("ミュート中 – ", "ミュートを解除する", "red")
        self.panel.choose("ミュートを解除する")
        shows("マイクがオン – ", "ミュートする", "green")
        self.panel.choose("ミュートする")
        shows("ミュート中 – ", "ミュートを解除する", "red")
        a.shot("tray-1")

        self.panel.choose("会議から退出")
        a.sees("すぐに会議をひらく")
        wait_for("the sign to go", lambda: not self.panel.is_shown())
        self.assertEqual(self.title(a), "Shoji")


if __name__ == "__main__":
    unittest.main()
