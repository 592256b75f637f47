"""The promises of README.md, one by one, against a private X server. Run as root after `make`; prints one JSON line per
promise and a summary. The checks run in a child process as an ordinary user; what root sees is asked of `prober`.
    python3 tests/rules.py [name...]
"""
import json
import os
import random
import subprocess
import sys
import time
import traceback

from server import BUILD, NOBODY, Server, end
from xwire import (ANYWHERE, BAD_ACCESS, BAD_LENGTH, BAD_REQUEST, BAD_WINDOW, CARDINAL, COMPOSITOR, EXEMPT, LENT, LET_THROUGH,
                   MARKED, XError, as_user, connect)

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


def a_storm_of_requests_is_survived(server):
    """Two clients do at random what the module watches. Nothing is promised but that the server lives, and still protects."""
    rng = random.Random(4)
    clients = [connect(server), connect(server)]
    composite = clients[0].extension("Composite")
    render = clients[0].extension("RENDER")
    windows, pixmaps, contexts = [], [], []
    for x in clients:
        x.ask(composite, 0, x.pack("II", 0, 4))
        contexts.append(x.new_id())
        x.send(55, 0, x.pack("IIII", contexts[-1], x.root, 1 << 15, 1))
    formats = clients[0].ask(render, 1)
    format24 = next(clients[0].unpack("I", formats[at:])[0] for at in range(32, len(formats) - 28, 28)
                    if formats[at + 4:at + 6] == b"\x01\x18" and formats[at + 8:at + 10] == b"\x10\0")
    for step in range(5000):
        who = rng.randrange(2)
        x = clients[who]
        window = rng.choice(windows) if windows else x.root
        other = rng.choice(windows + [x.root])
        source = rng.choice(windows + pixmaps + [x.root])
        place = rng.randrange(-50, 600), rng.randrange(-50, 400)
        what = rng.randrange(18)
        if what == 0 and len(windows) < 25:
            new, other = x.new_id(), rng.choice([other, x.root])
            back, mask = rng.choice([(0, 1), (1, 1), (A, 2)])
            x.send(1, 0, x.pack("IIhhHHHHIIII", new, other, *place, rng.randrange(1, 300), rng.randrange(1, 300),
                                rng.randrange(3), rng.choice([0, 1, 1, 1, 2]), 0, mask | 512, back, rng.randrange(2)))
            windows.append(new)
        elif what == 1 and len(windows) > 12:
            x.send(rng.choice([4, 4, 5]), 0, x.pack("I", window))
            windows.remove(window)
        elif what in (2, 3):
            x.send(rng.choice([8, 8, 10]), 0, x.pack("I", window))
        elif what == 4:
            x.send(7, 0, x.pack("IIhh", window, other, *place))
        elif what == 5:
            x.send(12, 0, x.pack("IHxxiiII", window, 15, *place, rng.randrange(1, 400), rng.randrange(1, 300)))
        elif what == 6:
            x.send(12, 0, x.pack("IHxxI", window, 64, rng.randrange(5)))
        elif what == 7:
            x.send(composite, rng.choice([1, 3]), x.pack("IBxxx", window, rng.randrange(2)))
        elif what == 8:
            x.send(composite, rng.choice([2, 4]), x.pack("IBxxx", rng.choice([window, x.root]), rng.randrange(2)))
        elif what == 9:
            name = x.new_id()
            x.send(composite, 6, x.pack("II", window, name))
            pixmaps.append(name)
        elif what == 10 and len(pixmaps) > 8:
            x.send(54, 0, x.pack("I", pixmaps.pop(rng.randrange(len(pixmaps)))))
        elif what == 11:
            x.send(*rng.choice([(18, 0, x.pack("IIIBxxxII", window, x.atom("_SHOJI_PROTECTED"), CARDINAL, 32, 1, 1)),
                                (19, 0, x.pack("II", window, x.atom("_SHOJI_PROTECTED")))]))
        elif what in (12, 13):
            x.send(62, 0, x.pack("IIIhhhhHH", source, other, contexts[who], *place, *place, rng.randrange(700), rng.randrange(500)))
        elif what == 14:
            x.send(63, 0, x.pack("IIIhhhhHHI", source, other, contexts[who], *place, *place, 200, 200, 1 << rng.randrange(24)))
        elif what == 15:
            code_of(lambda: x.ask(73, rng.choice([1, 2]), x.pack("IhhHHI", source, 0, 0, rng.randrange(1, 300),
                                                                 rng.randrange(1, 200), 0xFFFFFF)))
        elif what == 16:
            seen, drawn = x.new_id(), x.new_id()
            x.send(render, 4, x.pack("IIII", seen, source, format24, 0))
            x.send(render, 4, x.pack("IIII", drawn, other, format24, 0))
            x.send(render, 8, x.pack("BxxxIIIhhhhhhHH", rng.choice([1, 3]), seen, rng.choice([0, seen]), drawn, *place, 0, 0,
                                     *place, 400, 300))
            x.send(render, 7, x.pack("I", seen))
            x.send(render, 7, x.pack("I", drawn))
        elif what == 17:
            x.send(2, 0, x.pack("III", window, 1, rng.choice([0, 1, *pixmaps])))
        if step % 10 == 0:
            clients[1 - who].sync()
            for ids in windows, pixmaps:
                ids[:] = [i for i in ids if code_of(lambda: x.ask(14, 0, x.pack("I", i))) is None]
    for x in clients:
        x.sync()
    assert clients[0].version(clients[0].extension("SHOJI-SHIELD")) == (1, 0)


class Hunter:
    """An attacker that looks for a colour in everything it can name."""

    def __init__(self, server, colour):
        self.x = x = connect(server)
        self.size = 160, 120  # a corner is enough if everything happens there, and quick to look through
        self.colour = x.pack("I", colour)
        self.scratch, self.context = x.new_id(), x.new_id()
        x.send(53, 24, x.pack("IIHH", self.scratch, x.root, *self.size))
        x.send(55, 0, x.pack("IIII", self.context, x.root, 1 << 15, 1))
        self.black = x.new_id()
        x.send(55, 0, x.pack("IIII", self.black, x.root, 4, 0))
        self.composite = x.extension("Composite")
        x.ask(self.composite, 0, x.pack("II", 0, 4))
        self.overlay = x.unpack("I", x.ask(self.composite, 7, x.pack("I", x.root))[8:])[0]

    def finds(self, drawables):
        """The drawables in which the colour shows, and how: by copy, or by GetImage where that is possible."""
        x = self.x
        found = []
        for drawable in drawables:
            x.send(70, 0, x.pack("IIhhHH", self.scratch, self.black, 0, 0, *self.size))
            x.send(62, 0, x.pack("IIIhhhhHH", drawable, self.scratch, self.context, 0, 0, 0, 0, *self.size))
            if self.colour in x.ask(73, 2, x.pack("IhhHHI", self.scratch, 0, 0, *self.size, 0xFFFFFFFF))[32:]:
                found.append((drawable, "copy"))
            try:
                size = [min(a, b) for a, b in zip(self.size, x.unpack("HH", x.ask(14, 0, x.pack("I", drawable))[16:]))]
                if self.colour in x.ask(73, 2, x.pack("IhhHHI", drawable, 0, 0, *size, 0xFFFFFFFF))[32:]:
                    found.append((drawable, "image"))
            except XError:
                pass
        return found


def a_storm_shows_no_protected_pixel(server):
    for seed in (6, 7, 8):  # 6: found windows whose children somebody draws, and which the server does not paint
        storm(server, seed)


def storm(server, seed):
    """The owner does at random what programs do with their windows, an attacker what it likes; then the attacker looks."""
    rng = random.Random(seed)
    owner, hunter = connect(server), Hunter(server, A)
    x = hunter.x
    theirs, mine, named = [], [], []
    done = []
    for step in range(400):
        place = rng.randrange(-30, 140), rng.randrange(-30, 100)
        size = rng.randrange(10, 120), rng.randrange(10, 100)
        actor, own = rng.choice([(owner, theirs), (x, mine), (x, mine)])
        window = rng.choice(own) if own else 0
        any_window = rng.choice(theirs + mine + [x.root])
        what = rng.choice("create create map map unmap move restack reparent destroy redirect redirect name free copy".split())
        done.append((step, "owner" if actor is owner else "attacker", what, window, any_window))
        if what == "create" and len(own) < 8:
            new = actor.new_id()
            protected = actor is owner and rng.random() < 0.6
            back, mask = (A, 2) if protected else rng.choice([(0, 1), (0, 1), (1, 1), (B, 2)])
            parent = rng.choice([*own, actor.root, actor.root]) if actor is owner else any_window
            actor.send(1, 0, actor.pack("IIhhHHHHIIII", new, parent, *place, *size, 0, 1, 0, mask | 512, back, 1))
            if protected:
                actor.mark(new)
            own.append(new)
        elif what in ("map", "unmap"):
            # The attacker may show and hide what is the owner's, too.
            target = any_window if actor is x and rng.random() < 0.2 and any_window != x.root else window
            actor.send(8 if what == "map" else 10, 0, actor.pack("I", target))
        elif what == "move":
            target = any_window if actor is x and rng.random() < 0.3 and any_window != x.root else window
            actor.send(12, 0, actor.pack("IHxxiiII", target, 15, *place, *size))
        elif what == "restack":
            actor.send(12, 0, actor.pack("IHxxI", window, 64, rng.randrange(5)))
        elif what == "reparent":
            target = any_window if actor is x and rng.random() < 0.5 and any_window != x.root else window
            actor.send(7, 0, actor.pack("IIhh", target, rng.choice([*own, x.root]), *place))
        elif what == "destroy" and len(own) > 5:
            actor.send(4, 0, actor.pack("I", window))
        elif what == "redirect" and actor is x:
            kind = rng.choice([1, 3, 1, 3, 2, 4])
            x.send(hunter.composite, kind, x.pack("IBxxx", x.root if kind in (2, 4) and rng.random() < 0.5 else any_window,
                                                  rng.randrange(2)))
        elif what == "name" and actor is x and len(named) < 8:
            named.append(x.new_id())
            x.send(hunter.composite, 6, x.pack("II", any_window, named[-1]))
        elif what == "free" and len(named) > 4:
            x.send(54, 0, x.pack("I", named.pop(rng.randrange(len(named)))))
        elif what == "copy" and actor is x and mine:
            x.send(62, 0, x.pack("IIIhhhhHH", any_window, rng.choice(mine), hunter.context, *place, *place, *size))
        if step % 5 == 0:
            owner.sync()
            for ids in theirs, mine, named:
                ids[:] = [i for i in ids if code_of(lambda: x.ask(14, 0, x.pack("I", i))) is None]
            found = hunter.finds([x.root, hunter.overlay, *theirs, *mine, *named])
            assert not found, f"seed {seed}: {found} after {done[-12:]}; owner's {theirs}, attacker's {mine}, named {named}"


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
