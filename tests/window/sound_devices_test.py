"""Sound devices during a call, in two windows of the real program: a microphone that hears nothing is named, one that is
unplugged is silent and comes back, a sound system that is killed is told and used again, and a shared screen brings the
sound of other programs without anyone's echo.
"""
import subprocess, time, unittest

import numpy as np

import meeting_test
from desk import RATE, need, scratch, wait_for

VOICE, SPEAKER, FILM, ANSWER = 440.0, 1250.0, 880.0, 660.0


def tone(hertz, seconds):
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


def loudness(heard, hertz):
    """The loudest fifth of a second of one frequency; 1 for a sine at full scale."""
    piece = RATE // 5
    turn = np.exp(-2j * np.pi * hertz * np.arange(piece) / RATE)
    cut = [heard[k : k + piece] for k in range(0, len(heard) - piece, piece // 2)]
    return max((2 * abs(np.dot(p, turn)) / piece for p in cut), default=0.0)


class SoundDevices(unittest.TestCase):
    def setUp(self):
        self.folder = scratch()
        self.people = []
        camera = meeting_test.camera_library(self.folder)
        for name in ("佐藤", "Emma"):
            person = meeting_test.Person(name, camera)
            self.people.append(person)
            person.open()

    tearDown = meeting_test.Meeting.tearDown
    start_meeting = meeting_test.Meeting.start_meeting

    @staticmethod
    def play(person, speaker, hertz, seconds):
        """Another program plays a tone; does not wait."""
        child = subprocess.Popen([need("pacat", "pulseaudio-utils"), "--playback", "-d", speaker, "--format=s16le", "--rate=48000", "--channels=1"],
                                 env=person.sound.env, stdin=subprocess.PIPE)
        child.stdin.write((tone(hertz, seconds) * 32000).astype("<i2").tobytes())
        child.stdin.close()
        return child

    def hears(self, listener, hertz, feed):
        """While `feed` sounds, the listener's speaker plays the tone; a busy machine gets several tries."""
        found = []
        while max(found, default=0.0) < 0.05 and len(found) < 6:
            recorder = listener.sound.record()
            child = feed()
            child.wait(30)
            found.append(loudness(listener.sound.heard(recorder), hertz))
        self.assertGreater(max(found), 0.05, f"{hertz} Hz at {listener.name}: {found}")

    def silent_about(self, listener, hertz, feed):
        recorder = listener.sound.record()
        feed().wait(30)
        time.sleep(1)
        found = loudness(listener.sound.heard(recorder), hertz)
        self.assertLess(found, 0.01, f"{hertz} Hz must not reach {listener.name}")

    def test_devices_come_and_go_and_a_film_is_heard_without_echo(self):
        a, b, _ = self.start_meeting()
        for person in (a, b):
            person.window.button("カメラ")
        speak = lambda: b.sound.say(tone(VOICE, 3))

        # Nothing is fed into the microphones: both hear nothing at all, and say so until something comes.
        b.sees("「Microphone」から音が入っていません", 60)
        b.shot("sound-1-silent")
        self.hears(a, VOICE, speak)
        wait_for("the warning to go", lambda: "音が入っていません" not in b.window.text())

        # Unplugged: said, silent, and above all not the speaker's own sound.
        module = next(line.split("\t")[0] for line in b.sound.ctl("list", "short", "modules").splitlines() if "source_name=mic " in line)
        b.sound.ctl("unload-module", module)
        b.sees("「Microphone」が外れました")
        b.shot("sound-2-unplugged")
        self.silent_about(a, SPEAKER, lambda: self.play(b, "speaker", SPEAKER, 3))
        b.sound.plug()
        b.sees("「Microphone」が戻りました")
        self.hears(a, VOICE, speak)

        # The sound system dies under the call.
        b.sound.kill()
        b.sees("外れました")
        self.assertIn("2 人", b.window.text(), "the call goes on")
        b.sound.start()
        b.sees("「Microphone」が戻りました")
        self.hears(a, VOICE, speak)
        self.hears(b, ANSWER, lambda: a.sound.say(tone(ANSWER, 3)))
        b.shot("sound-3-again")

        # A shared screen with its sound: the film is heard, and nobody hears themselves.
        b.window.button("画面共有")
        b.window.button("音声も共有する")
        wait_for("a screen", lambda: self.pick_screen(b))
        b.sees("音声あり")
        b.shot("sound-4-shared")
        self.hears(a, FILM, lambda: self.play(b, "speaker", FILM, 3))
        self.silent_about(a, ANSWER, lambda: a.sound.say(tone(ANSWER, 3)))

    @staticmethod
    def pick_screen(person):
        return person.window.run("""
          for (const e of document.querySelectorAll('[role=dialog] li button')) { e.click(); return true; }
          return false;""")


if __name__ == "__main__":
    unittest.main()
