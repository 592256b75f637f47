"""Muting and push-to-talk while another program has the keyboard, by real keys on a real X server: what counts is what the
other person's window says. Also `shoji --mute`, the title, and keys whose release is lost.

Screenshots are kept in target/window-tests for a person to look at.
"""
import os, signal, subprocess, time, unittest

from company import children
from desk import need, wait_for
from pair import Pair


class Keys(Pair):
    def test_mute_and_push_to_talk_while_another_program_has_the_keyboard(self):
        a, b = self.meet()
        self.assertTrue(self.title(a).startswith("ミュート中 – "), self.title(a))
        self.hears(b, a.name, False)

        self.choose(a, "ミュートの切り替え", "Ctrl + Shift + M", "ctrl+shift+m")
        self.choose(a, "押している間だけ話す（", "F8", "F8")
        a.window.button("設定")
        a.sees("どこからでも使えるキー")
        a.window.run("document.querySelector('section[aria-label=\"どこからでも使えるキー\"]').scrollIntoView()")
        time.sleep(1)
        a.shot("keys-1-settings")
        a.window.button("閉じる")

        heard_elsewhere = self.another_program(a)
        self.xdo(a, "key", "ctrl+shift+m")
        self.hears(b, a.name, True)
        wait_for("the title", lambda: self.title(a).startswith("マイクがオン – "))
        self.xdo(a, "key", "ctrl+shift+m")
        self.hears(b, a.name, False)
        wait_for("the title", lambda: self.title(a).startswith("ミュート中 – "))

        # Held, with the X server's own repeats in between; locks make no difference.
        for lock in (None, "Num_Lock", "Caps_Lock"):
            if lock:
                self.xdo(a, "key", lock)
            self.xdo(a, "keydown", "F8")
            self.hears(b, a.name, True)
            for _ in range(15):
                self.assertIs(self.muted_at(b, a.name), False, "it flickers")
                time.sleep(0.1)
            a.shot("keys-2-held")
            self.xdo(a, "keyup", "F8")
            self.hears(b, a.name, False)
            if lock:
                self.xdo(a, "key", lock)
        self.assertNotIn("keysym 0xffc5", heard_elsewhere.read_text(), "the other program heard our key")

        # With other modifiers the key is not ours.
        self.xdo(a, "key", "alt+shift+F8")
        wait_for("the other program hears it", lambda: "keysym 0xffc5" in heard_elsewhere.read_text())
        self.assertIs(self.muted_at(b, a.name), True)

        # Another program that wants the same keys is refused, and after the meeting it is not.
        taken = lambda: subprocess.run([need("python3", "python3"), "-c", GRAB], env=a.env, capture_output=True, text=True).stdout.strip()
        self.assertEqual(taken(), "taken")
        a.window.button("退出")
        a.window.button("全員の会議を終える")
        a.sees("すぐに会議をひらく")
        wait_for("the keys to be given back", lambda: taken() == "free")
        self.assertEqual(self.title(a), "Shoji")

    def test_a_second_start_mutes_and_talks_and_says_what_is_so(self):
        a, b = self.people
        self.assertEqual(self.order(a, "--mute", "toggle"), (3, "Shoji は起動していません"))
        self.assertFalse(a.profile.exists(), "asking made a profile")
        a, b = self.meet()
        self.assertEqual(self.order(b, "--mute", "maybe")[0] in (1, 2), True)
        self.assertEqual(self.order(a, "--mute", "toggle"), (0, "マイクがオン"))
        self.hears(b, a.name, True)
        self.assertEqual(self.order(a, "--mute", "on"), (0, "ミュート中"))
        self.hears(b, a.name, False)
        self.assertEqual(self.order(a, "--talk", "on")[0], 0)
        self.hears(b, a.name, True)
        self.assertEqual(self.order(a, "--talk", "off")[0], 0)
        self.hears(b, a.name, False)
        b.window.button("退出")
        b.sees("すぐに会議をひらく")
        self.assertEqual(self.order(b, "--mute", "off"), (4, "会議に参加していません"))

    def test_the_space_bar_lets_go_when_its_release_is_lost(self):
        a, b = self.meet()
        ours = self.own_window(a)
        self.xdo(a, "windowactivate", "--sync", ours)
        # Nothing in the page has the keyboard.
        a.window.run("document.activeElement?.blur?.()")
        self.xdo(a, "keydown", "space")
        self.hears(b, a.name, True)
        self.xdo(a, "keyup", "space")
        self.hears(b, a.name, False)

        # Another window takes the keyboard while the key is down: the release goes there.
        self.xdo(a, "keydown", "space")
        self.hears(b, a.name, True)
        self.another_program(a)
        self.hears(b, a.name, False)
        self.xdo(a, "keyup", "space")

        # The page's process dies while the key is down.
        self.xdo(a, "windowactivate", "--sync", ours)
        # A key that was down when the window got the keyboard would repeat by now.
        time.sleep(1.5)
        self.xdo(a, "keydown", "space")
        self.hears(b, a.name, True)
        for pid in children(a.window.driver.process.pid, "WebKitWebProces"):
            os.kill(pid, signal.SIGKILL)
        self.hears(b, a.name, False)
        self.xdo(a, "keyup", "space")


# Asks the X server for F8 without modifiers, by its own library.
GRAB = r"""
import ctypes
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
for name, kinds in {"XDefaultRootWindow": [ctypes.c_void_p], "XStringToKeysym": [ctypes.c_char_p], "XKeysymToKeycode": [ctypes.c_void_p, ctypes.c_ulong],
                    "XSync": [ctypes.c_void_p, ctypes.c_int]}.items():
    getattr(x, name).argtypes = kinds
x.XDefaultRootWindow.restype = x.XStringToKeysym.restype = ctypes.c_ulong
x.XKeysymToKeycode.restype = ctypes.c_ubyte
refused = []
handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: refused.append(1) or 0)
x.XSetErrorHandler(handler)
display = x.XOpenDisplay(None)
x.XGrabKey.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_ulong, ctypes.c_int, ctypes.c_int, ctypes.c_int]
x.XGrabKey(display, x.XKeysymToKeycode(display, x.XStringToKeysym(b"F8")), 0, x.XDefaultRootWindow(display), 0, 1, 1)
x.XSync(display, 0)
print("taken" if refused else "free")
"""


if __name__ == "__main__":
    unittest.main()
