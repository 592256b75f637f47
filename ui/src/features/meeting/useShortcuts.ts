//! Keys of the meeting. Never while a person types, never over a dialog; single letters only without modifiers.

import { useEffect, useRef } from "react";

/** What a key does; names as in `KeyboardEvent.key`, lower case, with `ctrl+` in front where it is meant. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** Listens for the keys. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const name = keyName(event);
      const action = name === null ? undefined : latest.current[name];
      if (!action || event.defaultPrevented || event.repeat || event.isComposing) return;
      if (!name?.startsWith("ctrl+") && isTyping(event.target)) return;
      if (isOverDialog()) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

/** The name of a pressed key; `null` where it belongs to someone else. */
export function keyName(
  event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
): string | null {
  // On many keyboards a plus is written with Shift.
  if (event.altKey || (event.shiftKey && event.key !== "+")) return null;
  const key = event.key.toLowerCase();
  return event.ctrlKey || event.metaKey ? `ctrl+${key}` : key;
}

/** Is a dialog open that the keys belong to? */
export function isOverDialog(): boolean {
  return document.querySelector('[role="dialog"], [role="alertdialog"]') !== null;
}

/** Does a key write something here? */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable], [role='listbox']") !== null
  );
}
