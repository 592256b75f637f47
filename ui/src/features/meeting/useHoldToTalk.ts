//! The space bar speaks while it is held, where it does nothing else: not while a person types, not on a button that it
//! presses, not over a dialog. Rust decides whether the microphone opens, and closes it when this page falls silent.

import { useEffect } from "react";
import { send } from "../../state/store";
import { isOverDialog, isTyping } from "./useShortcuts";

/** Said again while the key is held; Rust waits for three seconds. */
const AGAIN = 1000;

/** Milliseconds after which a key that is held has repeated, on any system. */
const REPEATS = 1000;

/** Listens for the space bar. */
export function useHoldToTalk(): void {
  useEffect(() => {
    let beat: ReturnType<typeof setInterval> | undefined;
    let seen = Number.NEGATIVE_INFINITY;
    // WebKitGTK calls the next press a repeat when another window got the release. A real repeat follows soon after the
    // one before, or after this window got the keyboard.
    const isRepeat = (event: KeyboardEvent): boolean => {
      const since = event.timeStamp - seen;
      seen = event.timeStamp;
      return event.repeat && since < REPEATS;
    };
    const onFocus = (event: Event): void => {
      seen = event.timeStamp;
    };
    const release = (): void => {
      if (beat === undefined) return;
      clearInterval(beat);
      beat = undefined;
      void send("hold_to_talk", { on: false });
    };
    const hold = async (): Promise<void> => {
      // Refused (no right, no meeting): told by now, and not again every second.
      if (!(await send("hold_to_talk", { on: true }))) release();
    };
    const onDown = (event: KeyboardEvent): void => {
      if (event.code !== "Space" || event.defaultPrevented || event.isComposing) return;
      const repeats = isRepeat(event);
      if (beat !== undefined) {
        // It repeats; the page must not scroll meanwhile.
        event.preventDefault();
        return;
      }
      const held = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
      if (held || repeats || isTyping(event.target) || isPressed(event.target) || isOverDialog()) return;
      event.preventDefault();
      beat = setInterval(() => void hold(), AGAIN);
      void hold();
    };
    const onUp = (event: KeyboardEvent): void => {
      if (event.code === "Space") release();
    };
    const onHidden = (): void => {
      if (document.hidden) release();
    };
    document.addEventListener("keydown", onDown);
    document.addEventListener("keyup", onUp);
    document.addEventListener("visibilitychange", onHidden);
    // The release of a key that is still down goes to another window from now on.
    window.addEventListener("blur", release);
    window.addEventListener("focus", onFocus);
    return () => {
      document.removeEventListener("keydown", onDown);
      document.removeEventListener("keyup", onUp);
      document.removeEventListener("visibilitychange", onHidden);
      window.removeEventListener("blur", release);
      window.removeEventListener("focus", onFocus);
      release();
    };
  }, []);
}

/** Does the space bar press this? */
function isPressed(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("button, a, summary, [role='button'], [role='tab'], [role='menuitem'], [role='switch']") !== null
  );
}
