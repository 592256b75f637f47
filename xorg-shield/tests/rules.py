"""The promises of README.md, one by one, against a private X server. Run as root after `make`; prints one JSON line per
promise and a summary. The checks run in a child process as an ordinary user; what root sees is asked of `prober`.
    python3 tests/rules.py [name...]
"""
import json
import os
import subprocess
import sys
import time
import traceback

from server import BUILD, NOBODY, Server, end
from xwire import (ANYWHERE, BAD_ACCESS, BAD_LENGTH, BAD_REQUEST, BAD_WINDOW, COMPOSITOR, EXEMPT, LENT, LET_THROUGH, MARKED,
                   XError, as_user, connect)

PICOM = ["picom", "--config", "/dev/null", "--backend", "xrender"]
LISTED = "compositor /usr/bin/picom\ncompositor /usr/bin/xcompmgr in-place\n"
A, B = 0x31A2F7, 0xE17C25


def code_of(call):
    try:
        call()
    except XError as error:
        return error.code
    return None


def wait(truth, seconds=4):
    end_at = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > end_at:
            return False
        time.sleep(0.05)
    return True


def the_extension_answers_in_both_byte_orders(server):
    for order in "<>":
        x = connect(server, order)
        major = x.extension("SHOJI-SHIELD")
        assert major and x.version(major) == (1, 0)
        window = x.window(A, 10, 10)
        assert x.query(major, window) == (0, 0)
        x.mark(window)
        assert x.query(major, window) == (1, MARKED)


def nonsense_is_refused(server):
    x = connect(server)
    major = x.extension("SHOJI-SHIELD")
    assert code_of(lambda: x.query(major, 0x7777)) == BAD_WINDOW
    assert code_of(lambda: x.ask(major, 9)) == BAD_REQUEST
    assert code_of(lambda: x.ask(major, 0)) == BAD_LENGTH
    assert code_of(lambda: x.ask(major, 1, b"\0" * 8)) == BAD_LENGTH
    for minor in range(256):
        for size in range(0, 24, 4):
            code_of(lambda: x.reply(x.send(major, minor, b"\xff" * size)) if minor > 1 or size != 4 else None)
    assert x.version(major) == (1, 0), "the server still answers"


def a_window_without_pixels_harms_nothing(server):
    x, reader = connect(server), connect(server)
    major = x.extension("SHOJI-SHIELD")
    window = x.new_id()
    x.send(1, 0, x.pack("IIhhHHHHII", window, x.root, 0, 0, 50, 50, 0, 2, 0, 0))
    x.send(8, 0, x.pack("I", window))
    x.mark(window)
    assert x.query(major, window) == (1, MARKED)
    shown = x.window(B, 20, 20)
    assert code_of(lambda: reader.count(window, A, 10, 10)) is not None
    assert reader.count(x.root, B) == 8000
    for parent in (shown, x.root):
        x.send(7, 0, x.pack("IIhh", window, parent, 5, 5))
    x.send(4, 0, x.pack("I", window))
    assert x.version(major) == (1, 0)


def a_child_of_a_marked_window_counts_as_marked(server):
    x = connect(server)
    major = x.extension("SHOJI-SHIELD")
    window = x.window(A, 10, 10)
    child = x.window(B, 0, 0, parent=window, width=20, height=20)
    x.mark(window)
    assert x.query(major, child) == (1, MARKED)
    assert x.query(major, x.root) == (0, 0)
    other = connect(server)
    assert other.count(x.root, A) == 0 and other.count(x.root, B) == 0


def only_the_protected_window_is_black(server):
    x, reader = connect(server), connect(server)
    protected, plain = x.window(A, 10, 10), x.window(B, 200, 10)
    above = x.window(B, 50, 50, width=100, height=100)
    assert reader.count(x.root, A) > 0, "before the mark everybody sees it"
    x.mark(protected)
    assert reader.count(x.root, A) == 0
    assert reader.count(plain, B, 100, 80) == 100 * 80
    assert reader.count(above, B, 100, 100) == 100 * 100, "what lies above a protected window is not its picture"
    x.unmark(protected)
    assert reader.count(x.root, A) > 0, "after the mark, too"


def the_owner_sees_its_own_window(server):
    x = connect(server)
    window = x.window(A, 10, 10)
    x.mark(window)
    assert x.count(window, A, 100, 80) == 100 * 80
    assert x.count(x.root, A) == 100 * 80


def another_connection_of_the_process_marks_but_does_not_see(server):
    x, second = connect(server), connect(server)
    window = x.window(A, 10, 10)
    assert second.error_of(second.mark(window)) is None and x.has_mark(window)
    assert second.count(x.root, A) == 0
    assert second.error_of(second.unmark(window)) is None and not x.has_mark(window)
    assert second.count(x.root, A) > 0


def another_process_neither_marks_nor_unmarks(server):
    x = connect(server)
    marked, plain = x.window(A, 10, 10), x.window(B, 200, 10)
    x.mark(marked)
    x.sync()
    pid = os.fork()
    if pid == 0:
        other = connect(server)
        ok = other.error_of(other.mark(plain)) == BAD_ACCESS and other.error_of(other.unmark(marked)) == BAD_ACCESS
        atom = other.atom("_SHOJI_PROTECTED")
        # Reading it is allowed, reading with deletion is not; nor is exchanging it with another name.
        ok &= other.has_mark(marked)
        ok &= code_of(lambda: other.ask(20, 1, other.pack("IIIII", marked, atom, 0, 0, 9))) == BAD_ACCESS
        ok &= other.error_of(other.send(114, 0, other.pack("IHhI", marked, 1, 1, atom))) == BAD_ACCESS
        os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert x.has_mark(marked) and not x.has_mark(plain)


def root_is_let_through_and_told_so(server):
    x = connect(server)
    window = x.window(A, 10, 10)
    x.mark(window)
    x.sync()
    answer = server.as_root(f"q = x.query(x.extension('SHOJI-SHIELD'), {window}); "
                            f"print(q == (1, {MARKED | EXEMPT}) and x.count(x.root, {A}) == 8000)")
    assert answer == "True", answer


def a_store_that_was_lent_before_is_told(server):
    x, holder = connect(server), connect(server)
    major = x.extension("SHOJI-SHIELD")
    composite = holder.extension("Composite")
    window = x.window(A, 10, 10)
    holder.ask(composite, 0, holder.pack("II", 0, 4))
    holder.send(composite, 1, holder.pack("IBxxx", window, 0))
    pixmap, context = holder.new_id(), holder.new_id()
    holder.send(composite, 6, holder.pack("II", window, pixmap))
    assert holder.error_of(holder.send(55, 0, holder.pack("IIIII", context, holder.root, 1 << 8 | 1 << 10, 1, pixmap))) is None
    x.mark(window)
    assert x.query(major, window) == (1, MARKED | LENT)
    x.send(10, 0, x.pack("I", window))
    x.send(8, 0, x.pack("I", window))
    assert x.query(major, window) == (1, MARKED), "unmapped and mapped, it has a new store"
    # And a second hold is refused.
    second = holder.new_id()
    holder.send(composite, 6, holder.pack("II", window, second))
    assert holder.error_of(holder.send(55, 0, holder.pack("IIIII", holder.new_id(), holder.root, 1 << 8 | 1 << 10, 1, second))) == BAD_ACCESS


def nobody_listens_to_what_others_draw(server):
    for order in "<>":
        x = connect(server, order)
        record = x.extension("RECORD")
        x.ask(record, 0, x.pack("HH", 1, 13))

        def listen(first, last):
            # All clients, one range of core requests.
            return x.error_of(x.send(record, 1, x.pack("IIIIIBB22x", x.new_id(), 0, 1, 1, 3, first, last)))

        assert listen(0, 127) == BAD_REQUEST and listen(72, 72) == BAD_REQUEST
        assert listen(73, 73) is None, "who takes pictures may be listened to"


def memory_of_pictures_is_not_handed_on(server):
    """A freed pixmap of the owner's is the next client's, if the allocator likes."""
    x, reader = connect(server), connect(server)
    x.mark(x.window(A, 10, 10))
    context = x.new_id()
    x.send(55, 0, x.pack("IIII", context, x.root, 4, A))
    seen = 0
    for _ in range(50):
        mine = x.new_id()
        x.send(53, 24, x.pack("IIHH", mine, x.root, 150, 90))
        x.send(70, 0, x.pack("IIhhHH", mine, context, 0, 0, 150, 90))
        x.send(54, 0, x.pack("I", mine))
        x.sync()
        theirs = reader.new_id()
        reader.send(53, 24, reader.pack("IIHH", theirs, reader.root, 150, 90))
        seen += reader.count(theirs, A, 150, 90)
        reader.send(54, 0, reader.pack("I", theirs))
    assert seen == 0, f"{seen} pixels"


def two_screens_are_both_watched(server):
    x, reader = connect(server), connect(server)
    assert len(x.roots) == 2
    for root in x.roots:
        window = x.window(A, 10, 10, parent=root)
        assert reader.count(root, A) == 8000
        x.mark(window)
        assert reader.count(root, A) == 0


two_screens_are_both_watched.screens = 2


def a_listed_compositor_shows_the_window_and_others_see_black(server):
    x, reader = connect(server), connect(server)
    major = x.extension("SHOJI-SHIELD")
    window, plain = x.window(A, 10, 10), x.window(B, 200, 10)
    x.mark(window)
    server.user_popen(PICOM)
    assert wait(lambda: x.query(major, window)[1] == MARKED | COMPOSITOR | LET_THROUGH | ANYWHERE)
    assert wait(lambda: server.seen(A) == 8000), "the screen shows it"
    assert reader.count(x.root, A) == 0 and reader.count(x.root, B) == 0, "it may be anywhere: all is black"
    assert reader.count(plain, B, 100, 80) == 8000, "but another window's own store is its own"
    x.send(10, 0, x.pack("I", window))
    x.sync()
    assert reader.count(x.root, A) == 0, "a window that has just gone may still be on the screen"


def a_compositor_in_place_leaves_the_rest_visible(server):
    x, reader = connect(server), connect(server)
    major = x.extension("SHOJI-SHIELD")
    window = x.window(A, 10, 10)
    x.window(B, 200, 10)
    x.mark(window)
    server.user_popen(["xcompmgr"])
    assert wait(lambda: x.query(major, window)[1] == MARKED | COMPOSITOR | LET_THROUGH)
    assert wait(lambda: server.seen(A) == 8000)
    assert wait(lambda: reader.count(x.root, B) == 8000), "once nothing has moved for two seconds"
    assert reader.count(x.root, A) == 0


def unlisted(server):
    x, reader = connect(server), connect(server)
    major = x.extension("SHOJI-SHIELD")
    window = x.window(A, 10, 10)
    plain = x.window(B, 200, 10)
    x.mark(window)
    server.user_popen(PICOM)
    assert wait(lambda: x.query(major, window)[1] == MARKED | COMPOSITOR)
    assert wait(lambda: server.seen(A) == 0), "the protected window is black on the screen itself"
    assert wait(lambda: server.seen(B) == 8000), "it draws what it may have"
    assert reader.count(x.root, A) == 0 and reader.count(window, A, 100, 80) == 0
    assert reader.count(plain, B, 100, 80) == 8000
    x.unmark(window)
    x.send(61, 0, x.pack("IhhHH", window, 0, 0, 0, 0))
    assert wait(lambda: server.seen(A) == 8000), "given up, it is seen again"


def a_compositor_that_is_not_listed_gets_nothing(server):
    unlisted(server)


a_compositor_that_is_not_listed_gets_nothing.compositors = "compositor /usr/bin/xcompmgr\n"


def a_list_that_others_may_write_lets_nobody_in(server):
    unlisted(server)


a_list_that_others_may_write_lets_nobody_in.list_mode = 0o666


def who_becomes_a_listed_program_later_is_not_let_in(server):
    """A connection is kept by a child while its process turns into a program of the list."""
    x = connect(server)
    window = x.window(A, 10, 10)
    x.mark(window)
    x.sync()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        poser = connect(server)
        if os.fork() == 0:
            time.sleep(0.5)
            mine = poser.window(B, 300, 10)
            poser.send(22, 0, poser.pack("III", mine, poser.atom("_NET_WM_CM_S0"), 0))
            flags = poser.query(poser.extension("SHOJI-SHIELD"), window)[1]
            os.write(writing, f"{flags} {poser.count(window, A, 100, 80)}".encode())
            os._exit(0)
        os.execv("/bin/sleep", ["sleep", "3"])
    os.close(writing)
    answer = os.read(reading, 100).decode()
    os.waitpid(pid, 0)
    assert answer == f"{MARKED | COMPOSITOR} 0", answer


who_becomes_a_listed_program_later_is_not_let_in.compositors = "compositor /bin/sleep\ncompositor /usr/bin/sleep\n"


class Seat:
    """What a check may do with the server, from a process without rights: root's part goes through a pipe to `main`."""

    def __init__(self, server, to_root, from_root):
        self.display, self.cookie = server.display, server.cookie
        self.server, self.to_root, self.from_root = server, to_root, from_root
        self.started = []

    def _root(self, kind, what):
        self.to_root.write(json.dumps([kind, what]) + "\n")
        self.to_root.flush()
        return json.loads(self.from_root.readline())

    def seen(self, colour):
        return self._root("seen", colour)

    def as_root(self, code):
        return self._root("code", code)

    def user_popen(self, command):
        self.started.append(subprocess.Popen(command, env=self.server.env, cwd=self.server.user_home, start_new_session=True,
                                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def answer_for_root(server, kind, what):
    if kind == "seen":
        return server.seen(what)
    code = f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r}); from xwire import X; " \
           f"x = X({server.display}, bytes.fromhex({server.cookie.hex()!r})); {what}"
    return server.run([sys.executable, "-c", code], root=True).stdout.decode().strip()


def check(promise):
    """None if it is kept, else what happened."""
    server = Server(getattr(promise, "compositors", LISTED), screens=getattr(promise, "screens", 1), seconds=120,
                    list_mode=getattr(promise, "list_mode", 0o644))
    asking, asked = os.pipe()
    telling, told = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            as_user(NOBODY)
            seat = Seat(server, os.fdopen(asked, "w"), os.fdopen(telling))
            trouble = ""
            try:
                promise(seat)
            except BaseException:
                trouble = traceback.format_exc()
            for process in seat.started:
                end(process)
            seat._root("end", trouble)
            os._exit(0)
        os.close(asked)
        with os.fdopen(asking) as questions, os.fdopen(told, "w") as answers:
            for line in questions:
                kind, what = json.loads(line)
                answers.write(json.dumps(None if kind == "end" else answer_for_root(server, kind, what)) + "\n")
                answers.flush()
                if kind == "end":
                    break
            else:
                what = "the check ended early"
        os.waitpid(pid, 0)
        if not server.alive():
            what += "the server ended"
        return "\n".join([what, *server.trouble()]).strip() or None
    finally:
        server.stop()


def main():
    promises = {n: f for n, f in globals().items()
                if callable(f) and getattr(f, "__module__", "") == __name__ and n.count("_") >= 2 and n not in HELPERS}
    names = sys.argv[1:] or list(promises)
    if os.geteuid() != 0 or not (BUILD / "libshojishield.so").exists():
        sys.exit("run as root, after `make all build/prober`")
    failed = 0
    for name in names:
        trouble = check(promises[name])
        failed += trouble is not None
        print(json.dumps({"promise": name, "kept": trouble is None, **({"trouble": trouble} if trouble else {})}), flush=True)
    print(json.dumps({"passed": len(names) - failed, "failed": failed}))
    return 1 if failed else 0


HELPERS = {"answer_for_root"}

if __name__ == "__main__":
    sys.exit(main())
