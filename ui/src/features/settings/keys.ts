//! Pressed keys as the text that Rust reads (`protocol/src/shortcut.rs`), and that text as a person reads it. Pure.

/** What a key event says about a shortcut. */
export type Pressed =
  | { kind: "chosen"; keys: string }
  /** Only modifiers so far. */
  | { kind: "waiting"; held: string }
  /** A key that no shortcut has. */
  | { kind: "unknown" };

const MODIFIERS = new Set(["Control", "Alt", "AltGraph", "Shift", "Meta", "OS", "Super", "Hyper"]);
const NAMED = new Set([
  "Space",
  "Insert",
  "Home",
  "End",
  "PageUp",
  "PageDown",
  "Pause",
  "ScrollLock",
  "Convert",
  "NonConvert",
]);

type KeyLike = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">;

/** Reads a key event. Letters count by what is printed on the key, as the systems count them. */
export function pressed(event: KeyLike): Pressed {
  const held =
    (event.ctrlKey ? "Ctrl+" : "") +
    (event.altKey ? "Alt+" : "") +
    (event.shiftKey ? "Shift+" : "") +
    (event.metaKey ? "Meta+" : "");
  if (MODIFIERS.has(event.key)) return { kind: "waiting", held };
  const key = keyOf(event);
  return key === null ? { kind: "unknown" } : { kind: "chosen", keys: held + key };
}

function keyOf({ key, code }: KeyLike): string | null {
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  // With Alt a Mac writes other letters, and with Shift a digit is a sign: there the place of the key says what it is.
  const printed = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(code);
  if (printed) return printed[1] ?? printed[2] ?? null;
  if (/^F([1-9]|1[0-9]|2[0-4])$/.test(key)) return key;
  return NAMED.has(code) ? code : null;
}

const MAC: Readonly<Record<string, string>> = { Ctrl: "⌃", Alt: "⌥", Shift: "⇧", Meta: "⌘" };
const META: Readonly<Record<string, string>> = { windows: "Win", linux: "Super" };

/** The parts of a shortcut as they are printed on the keys of this system. */
export function printed(keys: string, os: string): string[] {
  return keys
    .split("+")
    .filter((part) => part !== "")
    .map((part) => (os === "macos" ? (MAC[part] ?? part) : part === "Meta" ? (META[os] ?? part) : part));
}
