//! The door to Rust. With the other files of this folder the only place that may import `@tauri-apps`.

import { Channel, invoke, isTauri } from "@tauri-apps/api/core";
import { getCurrentWindow } from "@tauri-apps/api/window";
import type { Door } from "./door";
import { failureOf } from "./door";
import type { Commands, Event, Snapshot } from "./generated/bridge";

/** Is this page inside the window? */
export const insideWindow = (): boolean => isTauri();

/** Which window this page is in; a plain browser says so by `?window=stage`. */
export const windowName = (): string =>
  insideWindow() ? getCurrentWindow().label : (new URLSearchParams(location.search).get("window") ?? "main");

// Tauri sends raw bytes as an ArrayBuffer, and as a list of numbers when they are few.
type Raw = ArrayBuffer | Uint8Array | number[];

function bytesOf(raw: Raw): Uint8Array {
  if (raw instanceof Uint8Array) return raw;
  return raw instanceof ArrayBuffer ? new Uint8Array(raw) : Uint8Array.from(raw);
}

/** The real door. */
export const tauriDoor: Door = {
  async call<K extends keyof Commands>(name: K, req: Commands[K][0]): Promise<Commands[K][1]> {
    try {
      return await invoke<Commands[K][1]>(name, { req });
    } catch (thrown) {
      throw failureOf(thrown);
    }
  },
  subscribe(onEvent) {
    const channel = new Channel<Event>(onEvent);
    return invoke<Snapshot>("subscribe", { channel });
  },
  async openFrames(onFrame) {
    const channel = new Channel<Raw>((raw) => onFrame(bytesOf(raw)));
    await invoke("open_frames", { channel });
  },
  ackFrame(track, seq) {
    // A lost ack only costs one place in the window, and a closed page has nobody to tell.
    invoke("ack_frames", { track, seq }).catch(() => undefined);
  },
};
