//! How large a place is, and again whenever it changes.

import type { RefObject } from "react";
import { useLayoutEffect, useRef, useState } from "react";

/** Measures the element that takes `place`, in pixels of the page. */
export function useRoom(): { place: RefObject<HTMLDivElement | null>; room: { width: number; height: number } } {
  const place = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState({ width: 960, height: 540 });
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = element;
      // A place that is not laid out now keeps the size it had.
      if (width > 0 && height > 0) setRoom({ width, height });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { place, room };
}
