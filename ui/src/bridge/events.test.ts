//! Events in order, without a gap, or a new subscription.

import { expect, test, vi } from "vitest";
import type { Door } from "./door";
import { follow } from "./events";
import { sceneOf } from "./fake/scenes";
import type { Event, Snapshot } from "./generated/bridge";

function setUp() {
  const subscriptions: ((event: Event) => void)[] = [];
  const answers: ((snapshot: Snapshot) => void)[] = [];
  const door = {
    subscribe: (onEvent: (event: Event) => void) => {
      subscriptions.push(onEvent);
      return new Promise<Snapshot>((resolve) => answers.push(resolve));
    },
  } as unknown as Door;
  const listener = { onSnapshot: vi.fn(), onEvent: vi.fn(), onTrouble: vi.fn() };
  const stop = follow(door, listener);
  const answer = async (at: number, seq: number): Promise<void> => {
    answers[at]?.({ ...sceneOf(new URLSearchParams()), seq });
    await Promise.resolve();
    await Promise.resolve();
  };
  return { subscriptions, listener, answer, stop };
}

const event = (seq: number): Event => ({ seq, change: { slice: "pending_invite", value: `e${seq}` } });
const seen = (listener: { onEvent: ReturnType<typeof vi.fn> }): number[] =>
  listener.onEvent.mock.calls.map(([next]) => (next as Event).seq);

test("events that come before the snapshot are not lost, and old ones are not repeated", async () => {
  const { subscriptions, listener, answer } = setUp();
  for (const seq of [4, 5, 6]) subscriptions[0]?.(event(seq));
  expect(listener.onEvent).not.toHaveBeenCalled();
  await answer(0, 5);
  expect(seen(listener)).toEqual([6]);
});

test("a gap means a new subscription, and the old one is not listened to", async () => {
  const { subscriptions, listener, answer } = setUp();
  await answer(0, 1);
  subscriptions[0]?.(event(2));
  subscriptions[0]?.(event(4));
  expect(subscriptions).toHaveLength(2);
  subscriptions[0]?.(event(5));
  await answer(1, 5);
  subscriptions[1]?.(event(6));
  expect(listener.onSnapshot).toHaveBeenCalledTimes(2);
  expect(seen(listener)).toEqual([2, 6]);
});

test("after the end nothing is told", async () => {
  const { subscriptions, listener, answer, stop } = setUp();
  await answer(0, 1);
  stop();
  subscriptions[0]?.(event(2));
  expect(listener.onEvent).not.toHaveBeenCalled();
});
