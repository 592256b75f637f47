"""People with keyboards: windows of the real program in a meeting, with what muting and keys need around them. Base of tests.
"""
import shutil, subprocess, unittest

from company import Bus
from desk import Child, need, wait_for
from meeting_test import BINARY, SHOTS, Person

MUTED = "マイクはオフです"


class Pair(unittest.TestCase):
    NAMES = ("佐藤", "Emma")
    # Screenshots and logs begin like this.
    SHOT = "keys"

    def setUp(self):
        self.people, self.buses, self.others = [], [], []
        for name in self.NAMES:
            person = Person(name, None)
            bus = Bus(person.folder)
            person.env["DBUS_SESSION_BUS_ADDRESS"] = bus.address
            self.people.append(person)
            self.buses.append(bus)

    def tearDown(self):
        SHOTS.mkdir(parents=True, exist_ok=True)
        for child in self.others:
            child.stop()
        for person, bus in zip(self.people, self.buses):
            try:
                person.shot(f"{self.SHOT}-last-{person.name}")
            except Exception as error:  # a closed display must not hide the failure that closed it
                print("no last screenshot:", error)
            person.close()
            bus.stop()
            log = person.folder / "window.log"
            if log.exists():
                shutil.copy(log, SHOTS / f"{self.SHOT}-log-{person.name}.txt")

    def open_meeting(self, a):
        a.open()
        a.name_oneself()
        a.window.button("すぐに会議をひらく")
        a.sees("まだあなただけです")

    def meet(self):
        a, b = self.people
        self.open_meeting(a)
        a.window.button("招待する")
        a.window.button("リンクを作る")
        link = wait_for("the link", lambda: a.window.run(
            "return [...document.querySelectorAll('input')].map((e) => e.value).find((v) => v.startsWith('shoji://'))"))
        a.window.button("閉じる")
        b.open()
        b.name_oneself()
        b.fill("招待リンク", link)
        b.window.click("form[aria-labelledby=join-title] button[type=submit]:not([disabled])")
        b.window.button("参加する")
        for person in (a, b):
            person.sees("2 人")
        return a, b

    @staticmethod
    def xdo(person, *words):
        return subprocess.run([need("xdotool", "xdotool"), *words], env=person.env, check=True, capture_output=True, text=True).stdout.strip()

    def own_window(self, person):
        """The program's window, by its title, which ends with the program's name."""
        ids = self.xdo(person, "search", "--onlyvisible", "--name", "Shoji$").split()
        self.assertEqual(len(ids), 1, ids)
        return ids[0]

    def title(self, person):
        return self.xdo(person, "getwindowname", self.own_window(person))

    def another_program(self, person):
        """Opens a window of another program and gives it the keyboard; answers what it hears."""
        log = person.folder / "xev.log"
        self.others.append(Child([need("xev", "x11-utils"), "-geometry", "200x120+900+600", "-event", "keyboard"],
                                 env=person.env, log=log, stdout=open(log, "ab")))
        window = wait_for("the other window", lambda: subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "Event Tester"], env=person.env, capture_output=True, text=True).stdout.strip())
        wait_for("the keyboard to go to it", lambda: self.xdo(person, "windowfocus", window) == "" and self.xdo(person, "getwindowfocus") == window)
        return log

    @staticmethod
    def muted_at(viewer, name):
        """Does the tile of this person say that the microphone is off? None: there is no tile."""
        return viewer.window.run("""
          const tile = [...document.querySelectorAll('li[aria-label]')].find((li) => li.getAttribute('aria-label').includes(arguments[0]));
          return tile ? tile.querySelector(`[aria-label="${arguments[1]}"]`) !== null : null;""", name, MUTED)

    def hears(self, viewer, name, open_):
        wait_for(f"{viewer.name} sees that {name} is {'heard' if open_ else 'muted'}", lambda: self.muted_at(viewer, name) == (not open_))

    @staticmethod
    def key_field(person, label):
        """Puts the focus on a field for keys in the settings; answers what it says, None where there is none."""
        return person.window.run("""
          const named = (e) => (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
          const field = [...document.querySelectorAll('[role=dialog] button')].find((e) => named(e).startsWith(arguments[0]));
          field?.focus();
          return field ? document.activeElement === field && named(field) : null;""", label)

    def press_into_settings(self, person, label, *keys):
        """Presses keys into a field of the settings, as a person does; they stay open."""
        person.window.button("設定")
        self.xdo(person, "windowactivate", "--sync", self.own_window(person))
        wait_for(f"the field {label}", lambda: self.key_field(person, label))
        self.xdo(person, "key", "Return")
        person.sees("使いたいキーを押します")
        self.xdo(person, "key", *keys)

    def choose(self, person, label, shown, *keys):
        """The same, for keys that the system gives; closes the settings again."""
        self.press_into_settings(person, label, *keys)
        wait_for("the keys in the field", lambda: shown in (self.key_field(person, label) or ""))
        person.sees("会議中に使えます")
        person.window.button("閉じる")

    def order(self, person, *words):
        done = subprocess.run([str(BINARY), "--profile", str(person.profile), *words], env=person.env, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout.strip() or done.stderr.strip()
