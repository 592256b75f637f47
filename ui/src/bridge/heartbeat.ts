//! Tells Rust that the page is alive. Missing beats make the window reload it.
//! The clock ticks in a worker, because a hidden page's own timers are slowed to one a minute; the beat itself is sent by
//! the page, because it is the page that must be alive.

import type { Door } from "./door";

const EVERY = 2_000;

/** Beats until the returned function is called. */
export function beat(door: Door): () => void {
  const send = (): void => {
    door.call("heartbeat", {}).catch(() => undefined);
  };
  send();
  const stop = tick(send);
  document.addEventListener("visibilitychange", send);
  return () => {
    stop();
    document.removeEventListener("visibilitychange", send);
  };
}

function tick(send: () => void): () => void {
  try {
    const worker = new Worker(new URL("./heartbeat.worker.ts", import.meta.url), { type: "module" });
    let timer: ReturnType<typeof setInterval> | undefined;
    worker.onmessage = send;
    worker.onerror = () => {
      timer ??= setInterval(send, EVERY);
    };
    return () => {
      worker.terminate();
      clearInterval(timer);
    };
  } catch {
    const timer = setInterval(send, EVERY);
    return () => clearInterval(timer);
  }
}
