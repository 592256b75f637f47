//! State, downwards: a snapshot, then events without a gap. A gap means: subscribe again.
//! Knows the order of events and nothing of what is in them.

import type { Door } from "./door";
import type { Event, Snapshot } from "./generated/bridge";

/** Who wants to know. */
export interface Listener {
  onSnapshot(snapshot: Snapshot): void;
  onEvent(event: Event): void;
  /** Subscribing did not work; it is tried again. */
  onTrouble(reason: unknown): void;
}

const RETRY = 1_000;

/** Subscribes, and again after each gap, until the returned function is called. */
export function follow(door: Door, listener: Listener): () => void {
  let stopped = false;
  // Every subscription has a number, so that a late event of an old one is not taken for news.
  let current = 0;

  const start = async (): Promise<void> => {
    const mine = ++current;
    let seq: number | undefined;
    const early: Event[] = [];
    const take = (event: Event): void => {
      if (stopped || mine !== current) return;
      if (seq === undefined) {
        early.push(event);
        return;
      }
      if (event.seq <= seq) return;
      if (event.seq !== seq + 1) {
        void start();
        return;
      }
      seq = event.seq;
      listener.onEvent(event);
    };
    try {
      const snapshot = await door.subscribe(take);
      if (stopped || mine !== current) return;
      seq = snapshot.seq;
      listener.onSnapshot(snapshot);
      for (const event of early) take(event);
    } catch (reason) {
      if (stopped || mine !== current) return;
      listener.onTrouble(reason);
      setTimeout(() => {
        if (!stopped && mine === current) void start();
      }, RETRY);
    }
  };

  void start();
  return () => {
    stopped = true;
  };
}
