//! Intent, upwards: one typed function for every command of the list.

import type { Door } from "./door";
import type { Commands } from "./generated/bridge";

let door: Door | undefined;

/** Sets the door once, before anything is drawn. */
export function setDoor(opened: Door): void {
  door = opened;
}

/** Sends a command. Rejects with a `Failure`. */
export function call<K extends keyof Commands>(name: K, req: Commands[K][0]): Promise<Commands[K][1]> {
  if (!door) throw new Error("the door is opened by main.tsx before the first call");
  return door.call(name, req);
}
