//! What an event does to the snapshot: it replaces one slice. Pure; Rust keeps the truth, this only mirrors it.

import type { Event, Levels, Snapshot } from "../bridge/generated/bridge";

/** The snapshot after an event. Parts that did not change keep their identity, so that what shows them stays still. */
export function applyEvent(snapshot: Snapshot, event: Event): Snapshot {
  const { change } = event;
  const next: Snapshot = { ...snapshot, seq: event.seq };
  switch (change.slice) {
    case "phase":
      next.phase = keep(snapshot.phase, change.value);
      return next;
    case "meeting":
      next.meeting = keep(snapshot.meeting, change.value);
      return next;
    case "hosting":
      next.hosting = keep(snapshot.hosting, change.value);
      return next;
    case "devices":
      next.devices = keep(snapshot.devices, change.value);
      return next;
    case "settings":
      next.settings = keep(snapshot.settings, change.value);
      return next;
    case "shortcuts":
      next.shortcuts = keep(snapshot.shortcuts, change.value);
      return next;
    case "vault":
      next.vault = keep(snapshot.vault, change.value);
      return next;
    case "shield":
      next.shield = keep(snapshot.shield, change.value);
      return next;
    case "recents":
      next.recents = keep(snapshot.recents, change.value);
      return next;
    case "pending_invite":
      next.pending_invite = change.value;
      return next;
    case "notices":
      next.notices = keep(snapshot.notices, change.value);
      return next;
    case "levels":
      // Not in the snapshot: `levels.ts` has them.
      return next;
    default:
      return unknownSlice(change, next);
  }
}

// A newer Rust may send a slice this page does not know; it is skipped, and the type check notices a missing case.
function unknownSlice(_: never, snapshot: Snapshot): Snapshot {
  return snapshot;
}

/** `next`, with every part that equals the one in `old` taken from `old`. For plain JSON values. */
export function keep<T>(old: T, next: T): T {
  if (Object.is(old, next)) return old;
  if (Array.isArray(old) && Array.isArray(next)) {
    const merged = next.map((value, at) => (at < old.length ? keep(old[at], value) : value));
    return (merged.length === old.length && merged.every((value, at) => Object.is(value, old[at])) ? old : merged) as T;
  }
  if (isRecord(old) && isRecord(next)) {
    const names = Object.keys(next);
    let same = names.length === Object.keys(old).length;
    // Not by assignment: a property may have any name, `__proto__` too.
    const merged = Object.fromEntries(
      names.map((name) => {
        const value = Object.hasOwn(old, name) ? keep(old[name], next[name]) : next[name];
        same &&= Object.hasOwn(old, name) && Object.is(value, old[name]);
        return [name, value];
      }),
    );
    return (same ? old : merged) as T;
  }
  return next;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Levels by person, without the silent. */
export interface LevelsByPerson {
  microphone: number;
  people: ReadonlyMap<string, number>;
}

/** Silence. */
export const SILENT: LevelsByPerson = { microphone: 0, people: new Map() };

/** The list of an event as a map; values out of range are clamped. */
export function levelsOf(levels: Levels): LevelsByPerson {
  const people = new Map<string, number>();
  for (const person of levels.people) people.set(person.user, clamp(person.level));
  return { microphone: clamp(levels.microphone), people };
}

const clamp = (level: number): number => (level > 0 ? Math.min(level, 1) : 0);
