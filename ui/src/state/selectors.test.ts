//! What the screens read out of the snapshot.

import fc from "fast-check";
import { expect, test } from "vitest";
import { sceneOf } from "../bridge/fake/scenes";
import type { MeetingView } from "../bridge/generated/bridge";
import { blockedBy, cameraOf, HUES, hears, hueOf, initials, sharedScreens } from "./selectors";

function meetingOf(scene: string): MeetingView {
  const { meeting } = sceneOf(new URLSearchParams({ scene }));
  if (!meeting) throw new Error(`${scene} has a meeting`);
  return meeting;
}

test("a switch counts as open only when Rust says so", () => {
  const meeting = meetingOf("meeting");
  const me = meeting.people[0];
  if (!me) throw new Error("everyone includes me");
  expect(hears(me, { ...meeting, microphone: { is: "starting" } })).toBe(false);
  expect(hears(me, { ...meeting, microphone: { is: "on", track: null } })).toBe(true);
  expect(cameraOf(me, { ...meeting, camera: { is: "starting" } }).track).toBeNull();
});

test("a track that is refused is never drawn", () => {
  const meeting = meetingOf("partly");
  const person = meeting.people[1];
  if (!person) throw new Error("the scene has four people");
  expect(cameraOf(person, meeting)).toEqual({ track: null, trouble: "refused_unsealed" });
});

test("a shared screen of someone else comes before one's own", () => {
  expect(sharedScreens(meetingOf("two-shares")).map((screen) => screen.person.is_me)).toEqual([false, true]);
  expect(sharedScreens(meetingOf("meeting"))).toEqual([]);
});

test("what a role does not allow is blocked, whatever the switch says", () => {
  const meeting = meetingOf("guest");
  expect(blockedBy(meeting, "megaphone", { is: "off" })).toBe("not_allowed");
  expect(blockedBy(meeting, "microphone", { is: "off" })).toBeNull();
  expect(blockedBy(meeting, "microphone", { is: "blocked", code: "device_busy" })).toBe("device_busy");
});

test("initials are short and never empty", () => {
  expect(initials("佐藤 花子")).toBe("佐");
  expect(initials("Emma Wilson")).toBe("EW");
  expect(initials("  ")).toBe("?");
  expect(initials("👩‍👩‍👧 家族")).toBe("👩‍👩‍👧");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (name) => initials(name).length > 0));
});

test("a person has the same colour every time", () => {
  fc.assert(
    fc.property(fc.string(), (user) => {
      const hue = hueOf(user);
      expect(hue).toBe(hueOf(user));
      expect(hue).toBeGreaterThanOrEqual(0);
      expect(hue).toBeLessThan(HUES);
    }),
  );
});
