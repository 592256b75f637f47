//! Small rules of the page.

import { expect, test } from "vitest";
import { coloursOf } from "../src/app/useLook";
import { sceneOf } from "../src/bridge/fake/scenes";
import type { ShieldStatus } from "../src/bridge/generated/bridge";
import { lineProblem } from "../src/features/home/line";
import { weakest } from "../src/features/meeting/parts/marks";
import { changes } from "../src/features/meeting/useComings";
import { keyName } from "../src/features/meeting/useShortcuts";
import { commandOf } from "../src/features/prejoin/plan";

const people = sceneOf(new URLSearchParams({ scene: "meeting" })).meeting?.people ?? [];
const block: ShieldStatus = { level: "block", mechanism: "windows_exclude_from_capture", failed: false, test: null };

test("the protection shown is the weakest of all, and what is not known or failed is none", () => {
  expect(weakest(people.map((p) => ({ ...p, shield: block })))).toBe("block");
  expect(weakest(people.map((p, at) => ({ ...p, shield: at === 1 ? null : block })))).toBe("none");
  expect(weakest(people.map((p, at) => ({ ...p, shield: at === 1 ? { ...block, failed: true } : block })))).toBe(
    "none",
  );
  expect(weakest(people.map((p, at) => ({ ...p, shield: at === 1 ? { ...block, level: "detect" } : block })))).toBe(
    "detect",
  );
});

test("colours follow the system only when they are told to", () => {
  expect(coloursOf("system", false, true)).toBe("dark");
  expect(coloursOf("system", true, true)).toBe("contrast");
  expect(coloursOf("light", true, true)).toBe("light");
});

test("who came and who left is told by name", () => {
  expect(changes(people.slice(0, 2), people)).toEqual(people.slice(2).map((p) => p.name));
  expect(changes(people, people)).toEqual([]);
});

test("keys with shift or alt belong to someone else", () => {
  const key = { key: "M", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  expect(keyName(key)).toBe("m");
  expect(keyName({ ...key, ctrlKey: true })).toBe("ctrl+m");
  expect(keyName({ ...key, altKey: true })).toBeNull();
  expect(keyName({ ...key, shiftKey: true })).toBeNull();
});

test("a name is as long as Rust allows, in bytes", () => {
  expect(lineProblem("  ")).toBe("empty");
  expect(lineProblem("あ".repeat(32))).toBeNull();
  expect(lineProblem("あ".repeat(33))).toBe("long");
});

test("a plan becomes the command that carries it out", () => {
  expect(commandOf({ kind: "host", title: "t", name: "n" }, true, false)).toEqual({
    name: "host_meeting",
    req: { title: "t", name: "n", microphone: true, camera: false },
  });
  expect(commandOf({ kind: "recent", title: "t", id: "r", own: true }, true, true)).toEqual({
    name: "join_recent",
    req: { id: "r" },
  });
});
