"""What a desktop offers to programs over D-Bus, played by the test on a private bus: the portal for system-wide shortcuts, and
the place where signs in the tray are shown. Both speak the real protocols; what they saw is theirs to tell.
"""
import threading
from collections import namedtuple

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_call, new_method_return, new_signal
from jeepney.bus_messages import MatchRule, message_bus
from jeepney.io.blocking import open_dbus_connection

from desk import wait_for

Call = namedtuple("Call", "sender path interface name body")


class Peer:
    """One program on the bus that owns a name and answers calls, in a thread of its own."""

    def __init__(self, address, name):
        self.bus = open_dbus_connection(address)
        self.sending = threading.Lock()
        self.name = name
        self.trouble = []
        self.ending = False
        reply = self.bus.send_and_get_reply(message_bus.RequestName(name), timeout=10)
        assert reply.body[0] == 1, f"{name} is somebody else's"
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.ending:
            try:
                message = self.bus.receive(timeout=0.2)
            except TimeoutError:
                continue
            except (ConnectionError, OSError):
                return
            if message.header.message_type == MessageType.method_call:
                self.answer(message)
            elif message.header.message_type == MessageType.signal:
                self.heard(message)

    def answer(self, message):
        fields = message.header.fields
        call = Call(fields.get(HeaderFields.sender), fields.get(HeaderFields.path), fields.get(HeaderFields.interface),
                    fields.get(HeaderFields.member), message.body)
        try:
            signature, body = self.called(call)
        except KeyError:
            self.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "s", (f"no {call.interface}.{call.name}",)))
            return
        except Exception as error:  # the test looks at it; a thread's own would be lost
            self.trouble.append(f"{call}: {error!r}")
            self.send(new_error(message, "org.freedesktop.DBus.Error.Failed", "s", (repr(error),)))
            return
        self.send(new_method_return(message, signature, body))
        self.answered(call)

    def called(self, call):
        """Answers (signature, body); KeyError: there is no such method."""
        raise KeyError(call.name)

    def answered(self, call):
        """After the answer went out."""

    def heard(self, message):
        """A signal that was asked for."""

    def send(self, message):
        with self.sending:
            self.bus.send(message)

    def signal(self, to, path, interface, name, signature, body):
        message = new_signal(DBusAddress(path, interface=interface), name, signature, body)
        if to:
            message.header.fields[HeaderFields.destination] = to
        self.send(message)

    def stop(self):
        """The bus tells everyone that the name has no owner any more."""
        self.ending = True
        self.thread.join(5)
        self.bus.close()


def ask(address, to, path, interface, name, signature=None, body=()):
    """One call by a program that is nobody in particular."""
    with open_dbus_connection(address) as bus:
        call = new_method_call(DBusAddress(path, bus_name=to, interface=interface), name, signature, body)
        reply = bus.send_and_get_reply(call, timeout=10)
        if reply.header.message_type == MessageType.error:
            raise RuntimeError(f"{interface}.{name}: {reply.header.fields.get(HeaderFields.error_name)} {reply.body}")
        return reply.body


PORTAL = "/org/freedesktop/portal/desktop"
SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
PROPERTIES = "org.freedesktop.DBus.Properties"


class Portal(Peer):
    """`org.freedesktop.portal.GlobalShortcuts` with a person behind its dialogs who allows, or refuses."""

    def __init__(self, address, allows=True):
        self.allows = allows
        self.registered = []
        # Every session there ever was, and what was bound in it: {id: options}.
        self.sessions = []
        self.bound = {}
        self.closed = set()
        self.owners = {}
        super().__init__(address, "org.freedesktop.portal.Desktop")

    @staticmethod
    def handle(kind, sender, token):
        return f"{PORTAL}/{kind}/{sender[1:].replace('.', '_')}/{token}"

    def called(self, call):
        what = (call.interface, call.name)
        if what == (PROPERTIES, "Get"):
            return "v", (("u", 1),)
        if what == (PROPERTIES, "GetAll"):
            return "a{sv}", ({"version": ("u", 1)},)
        if what == ("org.freedesktop.host.portal.Registry", "Register"):
            self.registered.append(call.body[0])
            return None, ()
        if what == (SHORTCUTS, "CreateSession"):
            return "o", (self.handle("request", call.sender, call.body[0]["handle_token"][1]),)
        if what == (SHORTCUTS, "BindShortcuts"):
            return "o", (self.handle("request", call.sender, call.body[3]["handle_token"][1]),)
        if what == ("org.freedesktop.portal.Session", "Close"):
            self.closed.add(call.path)
            return None, ()
        raise KeyError(call.name)

    def answered(self, call):
        if call.name == "CreateSession":
            session = self.handle("session", call.sender, call.body[0]["session_handle_token"][1])
            self.sessions.append(session)
            self.owners[session] = call.sender
            self.respond(call, call.body[0], 0, {"session_handle": ("s", session)})
        elif call.name == "BindShortcuts":
            session, wanted, _, options = call.body
            if not self.allows:
                return self.respond(call, options, 1, {})
            self.bound[session] = dict(wanted)
            given = [(name, {"description": about["description"], "trigger_description": ("s", f"おまかせ {about['preferred_trigger'][1]}")})
                     for name, about in wanted]
            self.respond(call, options, 0, {"shortcuts": ("a(sa{sv})", given)})

    def respond(self, call, options, code, results):
        path = self.handle("request", call.sender, options["handle_token"][1])
        self.signal(call.sender, path, "org.freedesktop.portal.Request", "Response", "ua{sv}", (code, results))

    def open_session(self):
        """The newest session that has keys and was not closed."""
        alive = [session for session in self.sessions if session in self.bound and session not in self.closed]
        return alive[-1] if alive else None

    def wait_bound(self):
        return wait_for("keys to be bound", self.open_session)

    def press(self, name, down):
        session = self.wait_bound()
        self.signal(self.owners[session], PORTAL, SHORTCUTS, "Activated" if down else "Deactivated", "osta{sv}", (session, name, 0, {}))

    def take_back(self):
        """The desktop closes the session, as when the person takes the permission away."""
        session = self.wait_bound()
        self.closed.add(session)
        self.signal(self.owners[session], session, "org.freedesktop.portal.Session", "Closed", "a{sv}", ({},))


MENU = "com.canonical.dbusmenu"
ITEM = "org.kde.StatusNotifierItem"


class TrayHost(Peer):
    """The panel of a desktop: signs of programs register here."""

    def __init__(self, address):
        self.address = address
        # (bus name, path), oldest first; those whose program is gone or that hide are looked up by `sign`.
        self.items = []
        super().__init__(address, "org.kde.StatusNotifierWatcher")

    def called(self, call):
        if call.name == "RegisterStatusNotifierItem":
            said = call.body[0]
            self.items.append((call.sender, said) if said.startswith("/") else (said, "/StatusNotifierItem"))
            return None, ()
        if call.name == "RegisterStatusNotifierHost":
            return None, ()
        has = {"IsStatusNotifierHostRegistered": ("b", True), "ProtocolVersion": ("i", 0), "RegisteredStatusNotifierItems": ("as", [])}
        if (call.interface, call.name) == (PROPERTIES, "Get"):
            return "v", (has[call.body[1]],)
        if (call.interface, call.name) == (PROPERTIES, "GetAll"):
            return "a{sv}", (has,)
        raise KeyError(call.name)

    def property(self, name):
        to, path = self.items[-1]
        return ask(self.address, to, path, PROPERTIES, "Get", "ss", (ITEM, name))[0][1]

    def is_shown(self):
        """Is there a sign now, and does it want to be seen?"""
        try:
            return bool(self.items) and self.property("Status") != "Passive"
        except RuntimeError:
            return False

    def menu(self):
        """{label: id} of the menu, as a panel would draw it."""
        to, _ = self.items[-1]
        path = self.property("Menu")
        ask(self.address, to, path, MENU, "AboutToShow", "i", (0,))
        _, (_, _, children) = ask(self.address, to, path, MENU, "GetLayout", "iias", (0, -1, []))
        rows = [child[1] for child in children]
        return {about["label"][1].replace("_", ""): number for number, about, _ in rows if "label" in about}

    def choose(self, label):
        to, _ = self.items[-1]
        ask(self.address, to, self.property("Menu"), MENU, "Event", "isvu", (self.menu()[label], "clicked", ("s", ""), 0))
