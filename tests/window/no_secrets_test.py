"""Nothing secret on the disk or in a log: two windows meet, one hosts, keys and tokens are used; then both profile folders
and everything the programs wrote are searched for every secret of it, in every way it might be written.

The program is built with the feature `window-tests`.
"""
import base64, os, re, subprocess, unittest
from pathlib import Path

from company import Bus
from desk import ROOT, Display, Window, free_port, scratch, wait_for

BINARY = Path(os.environ.get("SHOJI_BINARY", ROOT / "target/debug/shoji"))

CANARIES = ["CANARY-token-2f9c", "CANARY-passphrase-71aa"]
SHAPES = [rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.", rb"PRIVATE KEY-----", rb"\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30\x6b\x02\x01\x01\x04"]


def invoke(window, command, request):
    script = "const [c, r, done] = arguments; __TAURI_INTERNALS__.invoke(c, {req: r}).then((v) => done(['ok', v]), (e) => done(['no', e]));"
    return window.call("POST", "/execute/async", {"script": script, "args": [command, request]})


def written(secret):
    """The ways in which bytes are written."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).rstrip(b"=")


def leaves_no_secret(program):
    folder = scratch()
    display, bus = Display(folder), Bus(folder)
    env = {**os.environ, "DISPLAY": display.name, "TAURI_WEBVIEW_AUTOMATION": "true", "GDK_BACKEND": "x11", "SHOJI_LOG": "debug",
           "DBUS_SESSION_BUS_ADDRESS": bus.address}
    env.pop("WAYLAND_DISPLAY", None)
    windows = []
    try:
        for name in ("a", "b"):
            (folder / name).mkdir()
            windows.append(Window(program, env, folder / name, ["--profile", str(folder / name)], free_port()))
        a, b = windows
        for window in windows:
            wait_for("the page", lambda w=window: len(w.text()) > 20)
        assert invoke(a, "host_meeting", {"title": "t", "name": "a", "microphone": False, "camera": False})[0] == "ok"
        outcome, made = invoke(a, "create_invite", {"role": "member", "hours": 1})
        assert outcome == "ok", made
        link = made["link"]
        # A token and a passphrase as typed by a person, for a server that is not there.
        assert invoke(b, "join_server", {"url": "wss://127.0.0.1:9", "token": CANARIES[0], "passphrase": CANARIES[1],
                                         "microphone": False, "camera": False})[0] in ("ok", "no")
        invoke(b, "leave", {})
        # A link that the system hands over, by a second start.
        subprocess.run([str(program), "--profile", str(folder / "b"), link], env=env, check=True, timeout=60)
        assert invoke(b, "join_invite", {"link": link, "name": "b", "microphone": False, "camera": False})[0] == "ok"
        wait_for("both to see each other", lambda: "a" in b.text() and "b" in a.text())
        assert invoke(b, "leave", {})[0] == "ok"
    finally:
        for window in windows:
            window.close()
        bus.stop()
        display.stop()

    fragment = link.split("#")[1]
    secret = base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
    assert len(secret) == 64
    hidden = {needle for part in (secret, secret[:16], secret[16:48], secret[48:]) for needle in written(part)}
    hidden |= {fragment.encode(), *(c.encode() for c in CANARIES)}
    searched = 0
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        searched += 1
        data = path.read_bytes()
        for needle in hidden:
            assert needle not in data, f"{path.relative_to(folder)} holds a secret"
        for shape in SHAPES:
            assert not re.search(shape, data), f"{path.relative_to(folder)} holds what looks like a token or a key"
    assert searched > 6, "there was nothing to search"


class NoSecrets(unittest.TestCase):
    def test_nothing_secret_is_on_the_disk_or_in_a_log(self):
        leaves_no_secret(BINARY)


if __name__ == "__main__":
    unittest.main()
