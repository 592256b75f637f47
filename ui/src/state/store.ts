//! The page's copy of the snapshot, fed by events and read by selectors. It holds no truth of its own.

import { useCallback, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { call } from "../bridge/call";
import type { Door } from "../bridge/door";
import { failureOf } from "../bridge/door";
import { follow } from "../bridge/events";
import type { PictureSize, Pictures } from "../bridge/frames";
import type { Code, Commands, Failure, Snapshot } from "../bridge/generated/bridge";
import type { LevelsByPerson } from "./reducer";
import { applyEvent, levelsOf, SILENT } from "./reducer";

/** A command that did not work, told in the corner of the screen. */
interface LocalFailure {
  id: number;
  code: Code;
}

interface Face {
  snapshot: Snapshot | undefined;
  /** Subscribing fails at the moment. */
  trouble: boolean;
  failures: readonly LocalFailure[];
}

/** Everything but levels, which change ten times a second. */
export const face = createStore<Face>(() => ({ snapshot: undefined, trouble: false, failures: [] }));

/** Levels of the microphone and of everyone who speaks. */
export const levels = createStore<LevelsByPerson>(() => SILENT);

/** Starts to follow the door; the returned function ends it. */
export function startFace(door: Door): () => void {
  return follow(door, {
    onSnapshot: (snapshot) => face.setState({ snapshot, trouble: false }),
    onEvent: (event) => {
      if (event.change.slice === "levels") levels.setState(levelsOf(event.change.value), true);
      face.setState((was) => (was.snapshot ? { snapshot: applyEvent(was.snapshot, event) } : was));
    },
    onTrouble: () => face.setState({ trouble: true }),
  });
}

/** A part of the snapshot. Only inside what `App` draws once there is one. */
export function useSnapshot<T>(select: (snapshot: Snapshot) => T): T {
  return useStore(face, (state) => {
    if (!state.snapshot) throw new Error("App draws features only when there is a snapshot");
    return select(state.snapshot);
  });
}

/** How loud someone is; `null` is this machine's microphone. */
export function levelOf(who: string | null): number {
  const now = levels.getState();
  return who === null ? now.microphone : (now.people.get(who) ?? 0);
}

// Quieter than this is breathing and fans.
const SPEAKS = 0.12;

/** Is this person speaking? Draws again only when the answer changes. */
export function useSpeaking(who: string | null): boolean {
  return useStore(levels, () => levelOf(who) > SPEAKS);
}

let nextFailure = 1;

/** Shows a failed command as a message. */
function showFailure(failure: Failure): void {
  face.setState((was) => ({ failures: [...was.failures.slice(-3), { id: nextFailure++, code: failure.code }] }));
}

/** Puts such a message away. */
export function forgetFailure(id: number): void {
  face.setState((was) => ({ failures: was.failures.filter((failure) => failure.id !== id) }));
}

/** Sends a command whose failure is told in the corner of the screen; `true` when it worked. */
export async function send<K extends keyof Commands>(name: K, req: Commands[K][0]): Promise<boolean> {
  try {
    await call(name, req);
    return true;
  } catch (thrown) {
    showFailure(failureOf(thrown));
    return false;
  }
}

let pictures: Pictures | undefined;

/** Sets the pictures once, when the frames door is open. */
export function setPictures(opened: Pictures): void {
  pictures = opened;
}

/** Puts a track's picture into a place. */
export function mountPicture(track: string, place: HTMLElement): () => void {
  return pictures?.mount(track, place) ?? (() => undefined);
}

/** The size of a track's picture, once there is one. */
export function usePictureSize(track: string | null): PictureSize | undefined {
  const watch = useCallback(
    (onSize: () => void) => (track === null ? undefined : pictures?.watch(track, onSize)) ?? (() => undefined),
    [track],
  );
  return useSyncExternalStore(watch, () => (track === null ? undefined : pictures?.size(track)));
}
