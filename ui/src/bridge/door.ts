//! What the page can ask of whatever is behind it: Rust in the window, the rehearsal in a plain browser.
//! Types only. Three ways through: commands up, events down, frames down.

import type { Commands, Event, Failure, Snapshot } from "./generated/bridge";

/** One side of the bridge. `call` rejects with a {@link Failure} and with nothing else. */
export interface Door {
  call<K extends keyof Commands>(name: K, req: Commands[K][0]): Promise<Commands[K][1]>;
  /** A snapshot now, events from then on; the events may start to arrive before the answer. */
  subscribe(onEvent: (event: Event) => void): Promise<Snapshot>;
  /** Opens the frames door; a page that reloads opens it again and the old one is forgotten. */
  openFrames(onFrame: (bytes: Uint8Array) => void): Promise<void>;
  /** A frame of a track was drawn or thrown away: room for one more. */
  ackFrame(track: string, seq: number): void;
}

/** Whatever was thrown, as a failure. Rust answers failures; anything else is a bug of ours. */
export function failureOf(thrown: unknown): Failure {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "retry" in thrown) {
    return thrown as Failure;
  }
  return { code: "internal", detail: String(thrown), retry: false };
}
