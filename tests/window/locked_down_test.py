"""The window keeps its page in: what the page must not be able to do, tried from inside the page of the real program;
and a page whose process is killed comes back by itself.

The program is built with the feature `window-tests`.
"""
import http.server, os, signal, threading, unittest
from pathlib import Path

from company import Bus, children
from desk import ROOT, Display, Window, free_port, scratch, wait_for

BINARY = Path(os.environ.get("SHOJI_BINARY", ROOT / "target/debug/shoji"))

ASYNC = "execute/async"


def settled(window, expression):
    """The outcome of a promise in the page: ["ok", value] or ["no", reason]."""
    script = f"""const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => {expression}).then((v) => done(["ok", String(v)]), (e) => done(["no", String(e?.message ?? e)]));"""
    return window.call("POST", f"/{ASYNC}", {"script": script, "args": []})


class Visited(http.server.BaseHTTPRequestHandler):
    paths = []

    def do_GET(self):
        Visited.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def keeps_its_page_in(program):
    folder = scratch()
    display, bus = Display(folder), Bus(folder)
    server = http.server.HTTPServer(("127.0.0.1", 0), Visited)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    outside = f"http://127.0.0.1:{server.server_port}"
    env = {**os.environ, "DISPLAY": display.name, "TAURI_WEBVIEW_AUTOMATION": "true", "GDK_BACKEND": "x11", "DBUS_SESSION_BUS_ADDRESS": bus.address}
    env.pop("WAYLAND_DISPLAY", None)
    window = Window(program, env, folder, ["--profile", str(folder / "profile")], free_port())
    try:
        wait_for("the page", lambda: len(window.text()) > 20)
        here = window.run("return location.href")
        assert here.startswith(("tauri://localhost", "http://tauri.localhost")), here

        # The page reaches our commands, and nothing of the window library's own.
        wait_for("a command that answers", lambda: settled(
            window, "__TAURI_INTERNALS__.invoke('dismiss_notice', {req: {id: 0}})")[0] == "ok")
        for command, arguments in [("plugin:window|set_title", "{label: 'main', value: 'x'}"), ("plugin:event|listen", "{event: 'x', target: {kind: 'Any'}, handler: 1}"),
                                   ("plugin:webview|create_webview_window", "{options: {}}"), ("plugin:path|resolve_directory", "{directory: 1}"),
                                   ("plugin:deep-link|get_current", "{}"), ("plugin:app|version", "{}"), ("no_such_command", "{}")]:
            outcome, why = settled(window, f"__TAURI_INTERNALS__.invoke('{command}', {arguments})")
            assert outcome == "no", f"{command} is open to the page: {why}"

        # It talks to nobody, loads nothing, goes nowhere.
        assert settled(window, f"fetch('{outside}/fetch')")[0] == "no"
        assert settled(window, f"new Promise((ok, no) => {{ const i = new Image(); i.onload = ok; i.onerror = () => no('blocked'); i.src = '{outside}/image'; }})")[0] == "no"
        assert settled(window, f"new Promise((ok, no) => {{ const w = new WebSocket('{outside.replace('http', 'ws')}/socket'); w.onopen = ok; w.onerror = () => no('blocked'); }})")[0] == "no"
        window.run(f"const f = document.createElement('iframe'); f.src = '{outside}/frame'; document.body.append(f); setTimeout(() => f.remove(), 500);")
        window.run(f"location.href = '{outside}/away'")
        assert window.run(f"return window.open('{outside}/window') === null"), "the page opened a window"
        assert settled(window, "new Promise((ok) => setTimeout(ok, 1000))")[0] == "ok"
        assert window.run("return location.href") == here, "the page went elsewhere"
        assert Visited.paths == [], f"the page reached {Visited.paths}"

        # Nothing of it can be turned against itself.
        assert settled(window, "(0, eval)('1 + 1')")[0] == "no" or os.environ.get("SHOJI_EVAL_BY_DRIVER"), "eval works"
        window.run("const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s);")
        assert window.run("return window.injected === undefined"), "an inline script ran"
        window.run("try { Object.prototype.polluted = 1 } catch {}")
        assert window.run("return ({}).polluted === undefined"), "prototypes are not frozen"
        assert settled(window, "navigator.mediaDevices?.getUserMedia ? navigator.mediaDevices.getUserMedia({audio: true}) : Promise.reject(new Error('none'))")[0] == "no"

        # Its process is killed: the same window shows it again.
        page = children(window.driver.process.pid, "WebKitWebProces")
        assert page, "no page process"
        for pid in page:
            os.kill(pid, signal.SIGKILL)
        logs = folder / "profile" / "logs"
        wait_for("the page to be loaded again", lambda: any("loaded again" in f.read_text() for f in logs.iterdir()))
        wait_for("a new page process", lambda: set(children(window.driver.process.pid, "WebKitWebProces")) - set(page))
    finally:
        window.close()
        bus.stop()
        display.stop()
        server.shutdown()


class LockedDown(unittest.TestCase):
    def test_the_window_keeps_its_page_in(self):
        keeps_its_page_in(BINARY)


if __name__ == "__main__":
    unittest.main()
