"""Just enough of the X protocol to ask the module directly, without a library in between. The extension's bytes here are the
reference for whoever writes a client: see README.md.
"""
import os
import socket
import struct

BAD_REQUEST, BAD_WINDOW, BAD_MATCH, BAD_ACCESS, BAD_LENGTH = 1, 3, 8, 10, 16
MARKED, EXEMPT, COMPOSITOR, LET_THROUGH, ANYWHERE, LENT = (1 << n for n in range(6))
CARDINAL = 6


class XError(Exception):
    def __init__(self, code):
        super().__init__(f"error {code}")
        self.code = code


class X:
    """One connection. `order` is "<" or ">": the module must understand both."""

    def __init__(self, display, cookie, order="<"):
        self.order = order
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(f"/tmp/.X11-unix/X{display}")
        name = b"MIT-MAGIC-COOKIE-1"
        self.socket.sendall(self.pack("BxHHHHxx", ord("l" if order == "<" else "B"), 11, 0, len(name), 16) + name + b"\0\0" + cookie)
        ok, length = self.unpack("BxHHH", self.read(8))[0], self.unpack("H", self.head[6:8])[0]
        setup = self.read(length * 4)
        if ok != 1:
            raise ConnectionError(setup)
        self.base, self.mask, _, vendor = self.unpack("IIIH", setup[4:18])
        screens, formats = setup[20], setup[21]
        at = 32 + (vendor + 3) // 4 * 4 + formats * 8
        self.roots = []
        for _ in range(screens):
            self.roots.append(self.unpack("I", setup[at:at + 4])[0])
            width, height = self.unpack("HH", setup[at + 20:at + 24])
            depths = setup[at + 39]
            at += 40
            for _ in range(depths):
                visuals = self.unpack("H", setup[at + 2:at + 4])[0]
                at += 8 + visuals * 24
        self.size = (width, height)
        self.root = self.roots[0]
        self.sequence = self.given = 0
        self.errors = {}

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def unpack(self, form, data):
        return struct.unpack(self.order + form, data[:struct.calcsize(self.order + form)])

    def read(self, n):
        data = bytearray(n)
        view, got = memoryview(data), 0
        while got < n:
            more = self.socket.recv_into(view[got:])
            if not more:
                raise ConnectionError("the server closed the connection")
            got += more
        self.head = bytes(data)
        return self.head

    def new_id(self):
        self.given += 1
        return self.base | self.given

    def send(self, opcode, data, body=b"", length=None):
        body += b"\0" * (-len(body) % 4)
        self.sequence = self.sequence + 1 & 0xFFFF
        self.socket.sendall(self.pack("BBH", opcode, data, 1 + len(body) // 4 if length is None else length) + body)
        return self.sequence

    def reply(self, sequence):
        while True:
            head = self.read(32)
            if head[0] == 0:
                number = self.unpack("H", head[2:4])[0]
                self.errors[number] = head[1]
                if number == sequence:
                    raise XError(head[1])
            elif head[0] == 1:
                more = self.read(self.unpack("I", head[4:8])[0] * 4)
                if self.unpack("H", head[2:4])[0] == sequence:
                    return head + more

    def ask(self, *request, **more):
        return self.reply(self.send(*request, **more))

    def sync(self):
        self.ask(43, 0)

    def error_of(self, sequence):
        """The error a request without an answer got, None if none."""
        self.sync()
        return self.errors.get(sequence)

    def extension(self, name):
        answer = self.ask(98, 0, self.pack("Hxx", len(name)) + name.encode())
        return answer[9] if answer[8] else None

    def atom(self, name):
        return self.unpack("I", self.ask(16, 0, self.pack("Hxx", len(name)) + name.encode())[8:])[0]

    def window(self, colour, x, y, parent=None, width=100, height=80):
        """A window that no window manager touches."""
        window = self.new_id()
        self.send(1, 0, self.pack("IIhhHHHHIIII", window, parent or self.root, x, y, width, height, 0, 1, 0, 2 | 512, colour, 1))
        self.send(8, 0, self.pack("I", window))
        self.sync()
        return window

    def mark(self, window):
        return self.send(18, 0, self.pack("IIIBxxxII", window, self.atom("_SHOJI_PROTECTED"), CARDINAL, 32, 1, 1))

    def unmark(self, window):
        return self.send(19, 0, self.pack("II", window, self.atom("_SHOJI_PROTECTED")))

    def has_mark(self, window):
        answer = self.ask(20, 0, self.pack("IIIII", window, self.atom("_SHOJI_PROTECTED"), 0, 0, 1))
        return self.unpack("I", answer[8:])[0] != 0

    def count(self, drawable, colour, width=None, height=None):
        """Pixels of a colour in a drawable of a little-endian server."""
        answer = self.ask(73, 2, self.pack("IhhHHI", drawable, 0, 0, width or self.size[0], height or self.size[1], 0xFFFFFFFF))
        wanted = colour & 0xFFFFFF
        return sum(1 for (p,) in struct.iter_unpack("<I", answer[32:]) if p & 0xFFFFFF == wanted)

    # --- the module ---

    def version(self, major):
        return self.unpack("HH", self.ask(major, 0, self.pack("HH", 1, 0))[8:])

    def query(self, major, window):
        """(is it marked, flags)"""
        answer = self.ask(major, 1, self.pack("I", window))
        return answer[1], self.unpack("I", answer[8:])[0]

    def close(self):
        self.socket.close()


def connect(server, order="<"):
    return X(server.display, server.cookie, order)


def as_user(uid):
    """For a child process: the tests' own connections are root's, which is let through."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
