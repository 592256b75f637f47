"""Push-to-talk on a Wayland desktop: system-wide shortcuts come from the desktop's portal, over D-Bus. The portal is played by
the test (`desktop.py`); the program, its window and the other person's window are real.

GTK itself draws on the X server of the test; that the session is one of Wayland the program reads from its environment.
"""
import time, unittest

from desk import wait_for
from desktop import Portal
from pair import Pair

LOST = "どこからでも使えるキーが、使えなくなりました"


class OnWayland(Pair):
    def setUp(self):
        super().setUp()
        self.portals = []
        for person in self.people:
            person.env["WAYLAND_DISPLAY"] = "wayland-of-the-test"
            person.env["GDK_BACKEND"] = "x11"

    def tearDown(self):
        trouble = [line for portal in self.portals for line in portal.trouble]
        for portal in self.portals:
            portal.stop()
        super().tearDown()
        self.assertEqual(trouble, [])

    @staticmethod
    def keep(person, name):
        # What the page says is painted a little later.
        time.sleep(0.5)
        person.shot(name)

    def desktop(self, allows=True):
        self.portals.append(Portal(self.buses[0].address, allows))
        return self.portals[-1]


class Given(OnWayland):
    SHOT = "portal"

    def test_the_portals_keys_talk_and_what_the_portal_loses_is_let_go(self):
        portal = self.desktop()
        a, b = self.meet()
        self.assertEqual(portal.sessions, [], "a dialog that nobody asked for")

        self.press_into_settings(a, "押している間だけ話す（", "F8")
        # The desktop chooses; what it chose is told in its words.
        a.sees("システムが割り当てたキー：おまかせ F8")
        session = portal.open_session()
        self.assertEqual(set(portal.bound[session]), {"talk"})
        self.assertEqual(portal.bound[session]["talk"]["description"], ("s", "押している間だけ話す"))
        self.assertEqual(set(portal.registered), {"jp.shoji.desktop"}, "the desktop knows who asks")
        self.keep(a, "portal-1-given")
        a.window.button("閉じる")

        # Key down: talk. Key up: silent.
        self.hears(b, a.name, False)
        portal.press("talk", True)
        self.hears(b, a.name, True)
        time.sleep(1)
        self.assertIs(self.muted_at(b, a.name), False, "it holds")
        portal.press("talk", False)
        self.hears(b, a.name, False)

        # However fast: a release never overtakes its press.
        for _ in range(30):
            portal.press("talk", True)
            portal.press("talk", False)
        wait_for("the title", lambda: self.title(a).startswith("ミュート中 – "))
        time.sleep(1)
        self.assertTrue(self.title(a).startswith("ミュート中 – "), "a fast tap got stuck")
        self.hears(b, a.name, False)

        # The portal dies while the key is held: nobody will ever tell of the release.
        portal.press("talk", True)
        self.hears(b, a.name, True)
        portal.stop()
        self.hears(b, a.name, False)
        a.sees(LOST)
        self.keep(a, "portal-2-died")

        # It comes back, as portals do: the keys work again by themselves, and the warning goes.
        portal = self.desktop()
        portal.wait_bound()
        wait_for("the warning to go", lambda: LOST not in a.window.text())
        portal.press("talk", True)
        self.hears(b, a.name, True)

        # The desktop takes the keys back while one is held.
        portal.take_back()
        self.hears(b, a.name, False)
        a.sees(LOST)
        before = len(portal.sessions)
        time.sleep(1)
        self.assertEqual(len(portal.sessions), before, "asked again without the person")

        # The person presses the same key once more: asked again, given again.
        self.press_into_settings(a, "押している間だけ話す（", "F8")
        a.sees("システムが割り当てたキー：おまかせ F8")
        a.window.button("閉じる")
        portal.press("talk", True)
        self.hears(b, a.name, True)
        portal.press("talk", False)
        self.hears(b, a.name, False)

        # After the meeting the keys are given back.
        session = portal.open_session()
        a.window.button("退出")
        a.window.button("全員の会議を終える")
        a.sees("すぐに会議をひらく")
        wait_for("the keys to be given back", lambda: session in portal.closed)


class Refused(OnWayland):
    NAMES = ("佐藤",)
    SHOT = "portal-refused"

    def test_a_refusal_is_told_and_a_start_asks_nobody(self):
        portal = self.desktop(allows=False)
        (a,) = self.people
        self.open_meeting(a)
        self.press_into_settings(a, "押している間だけ話す（", "F8")
        a.sees("このキーは割り当てられませんでした")
        self.keep(a, "portal-3-refused")
        asked = len(portal.sessions)
        self.assertGreater(asked, 0)
        wait_for("its session to be closed", lambda: set(portal.sessions) == portal.closed)
        a.window.button("閉じる")
        a.window.button("退出")
        a.window.button("全員の会議を終える")
        a.sees("すぐに会議をひらく")

        # Another day: the key is still chosen, and no dialog comes before there is a meeting.
        a.window.close()
        a.open()
        time.sleep(2)
        self.assertEqual(len(portal.sessions), asked, "the start of the program asked the desktop")

        # A desktop without such a portal: said as well.
        portal.stop()
        self.press_into_settings(a, "押している間だけ話す（", "F7")
        a.sees("この環境では、別のアプリからのキー操作を使えません")
        self.keep(a, "portal-4-none")


if __name__ == "__main__":
    unittest.main()
