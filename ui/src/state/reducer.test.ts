//! An event replaces its slice and nothing else, whatever is in it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { sceneOf } from "../bridge/fake/scenes";
import type { Change, Snapshot } from "../bridge/generated/bridge";
import { applyEvent, keep, levelsOf } from "./reducer";

const scenes = [
  "home",
  "first",
  "alone",
  "meeting",
  "share",
  "partly",
  "guest",
  "lost",
  "unsupported",
  "sound-only",
  "captured",
].map((scene) => sceneOf(new URLSearchParams({ scene })));
const slices = [
  "phase",
  "meeting",
  "hosting",
  "devices",
  "settings",
  "vault",
  "shield",
  "recents",
  "pending_invite",
  "notices",
] as const;

const change = fc
  .tuple(fc.constantFrom(...slices), fc.constantFrom(...scenes))
  .map(([slice, scene]) => ({ slice, value: structuredClone(scene[slice]) }) as Change);

test("after any events each slice is the last one that was sent", () => {
  fc.assert(
    fc.property(fc.constantFrom(...scenes), fc.array(change, { maxLength: 30 }), (start, changes) => {
      let snapshot: Snapshot = start;
      const expected: Snapshot = { ...start };
      changes.forEach((next, at) => {
        snapshot = applyEvent(snapshot, { seq: start.seq + at + 1, change: next });
        Object.assign(expected, { [next.slice]: next.value, seq: start.seq + at + 1 });
      });
      expect(snapshot).toEqual(expected);
    }),
  );
});

test("a slice that did not change keeps its identity", () => {
  const start = sceneOf(new URLSearchParams({ scene: "meeting" }));
  const again = applyEvent(start, { seq: 1, change: { slice: "meeting", value: structuredClone(start.meeting) } });
  expect(again.meeting).toBe(start.meeting);
});

test("one person's change leaves the other people alone", () => {
  const start = sceneOf(new URLSearchParams({ scene: "meeting" }));
  const value = structuredClone(start.meeting);
  if (!value?.people[1]) throw new Error("the scene has four people");
  value.people[1].name = "別の名前";
  const next = applyEvent(start, { seq: 1, change: { slice: "meeting", value } });
  expect(next.meeting?.people[0]).toBe(start.meeting?.people[0]);
  expect(next.meeting?.people[1]).not.toBe(start.meeting?.people[1]);
});

test("levels do not touch the snapshot", () => {
  const start = sceneOf(new URLSearchParams({ scene: "meeting" }));
  const next = applyEvent(start, { seq: 7, change: { slice: "levels", value: { microphone: 1, people: [] } } });
  expect(next).toEqual({ ...start, seq: 7 });
});

test("keep never changes what a value is", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (old, next) => {
      expect(JSON.stringify(keep(old, next))).toBe(JSON.stringify(next));
    }),
  );
});

test("levels are clamped, and nonsense is silence", () => {
  const { microphone, people } = levelsOf({
    microphone: Number.NaN,
    people: [
      { user: "a", level: 9 },
      { user: "b", level: -1 },
    ],
  });
  expect(microphone).toBe(0);
  expect([...people]).toEqual([
    ["a", 1],
    ["b", 0],
  ]);
});
