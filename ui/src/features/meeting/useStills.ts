//! Small pictures of what can be shared, for as long as somebody chooses. Rust makes one of each per call.

import { useEffect } from "react";
import { call } from "../../bridge/call";

/** What can be looked at in one call. */
const MOST = 64;
/** Their places are known to Rust by then. */
const FIRST = 250;
const EVERY = 1000;

/** Asks for pictures of these screens, once a second; they come on the tracks `still:` and the screen's id. */
export function useStills(screens: readonly string[]): void {
  const ids = JSON.stringify(screens.slice(0, MOST));
  useEffect(() => {
    const asked: string[] = JSON.parse(ids);
    if (asked.length === 0) return;
    // What cannot be looked at keeps its sign; that is no trouble to tell of.
    const ask = (screens: string[]): void => void call("look_at_screens", { screens }).catch(() => undefined);
    const first = setTimeout(() => ask(asked), FIRST);
    const again = setInterval(() => ask(asked), EVERY);
    return () => {
      clearTimeout(first);
      clearInterval(again);
      ask([]);
    };
  }, [ids]);
}
