//! The time, to the minute.

import { useEffect, useState } from "react";

const MINUTE = 60_000;
const now = (): number => Math.floor(Date.now() / MINUTE) * MINUTE;

/** Milliseconds since 1970 at the start of this minute; renews itself at the next one. */
export function useMinute(): number {
  const [minute, setMinute] = useState(now);
  useEffect(() => {
    // Anew each time: an interval would drift, and would be late after the computer slept.
    const timer = setTimeout(() => setMinute(now()), minute + MINUTE - Date.now() + 20);
    return () => clearTimeout(timer);
  }, [minute]);
  return minute;
}
