//! Pressed keys become the text that Rust reads.

import { expect, test } from "vitest";
import type { Pressed } from "./keys";
import { pressed, printed } from "./keys";

const press = (key: string, code: string, held: string[] = []): Pressed =>
  pressed({
    key,
    code,
    ctrlKey: held.includes("Ctrl"),
    altKey: held.includes("Alt"),
    shiftKey: held.includes("Shift"),
    metaKey: held.includes("Meta"),
  });
const chosen = (keys: string): Pressed => ({ kind: "chosen", keys });

test("letters count by what is printed on the key, digits and signs by their place", () => {
  expect(press("M", "KeyM", ["Ctrl", "Shift"])).toEqual(chosen("Ctrl+Shift+M"));
  // AZERTY: the key in the place of Q writes A.
  expect(press("a", "KeyQ", ["Ctrl", "Alt"])).toEqual(chosen("Ctrl+Alt+A"));
  // A Mac with Option.
  expect(press("µ", "KeyM", ["Ctrl", "Alt"])).toEqual(chosen("Ctrl+Alt+M"));
  expect(press("!", "Digit1", ["Ctrl", "Shift"])).toEqual(chosen("Ctrl+Shift+1"));
});

test("function keys, Pause and the keys of Japanese keyboards have names", () => {
  expect(press("F8", "F8")).toEqual(chosen("F8"));
  expect(press("F24", "F24", ["Meta"])).toEqual(chosen("Meta+F24"));
  expect(press("Pause", "Pause")).toEqual(chosen("Pause"));
  expect(press("NonConvert", "NonConvert")).toEqual(chosen("NonConvert"));
  expect(press(" ", "Space", ["Ctrl", "Alt"])).toEqual(chosen("Ctrl+Alt+Space"));
});

test("modifiers alone wait, and other keys are said to be unknown", () => {
  expect(press("Shift", "ShiftLeft", ["Ctrl", "Shift"])).toEqual({ kind: "waiting", held: "Ctrl+Shift+" });
  expect(press("Enter", "Enter", ["Ctrl"])).toEqual({ kind: "unknown" });
  expect(press("か", "", ["Ctrl"])).toEqual({ kind: "unknown" });
});

test("keys are shown as the system prints them", () => {
  expect(printed("Ctrl+Alt+M", "macos")).toEqual(["⌃", "⌥", "M"]);
  expect(printed("Meta+F8", "windows")).toEqual(["Win", "F8"]);
  expect(printed("Ctrl+", "linux")).toEqual(["Ctrl"]);
  expect(printed("", "linux")).toEqual([]);
});
