//! Enlarging and moving a shared picture: buttons, keys, wheel, two fingers, dragging. The arithmetic is in `state/zoom`.

import type { KeyboardEvent, PointerEvent, RefObject } from "react";
import { useEffect, useRef, useState } from "react";
import type { Extent, Lie, Scenery, View } from "../../state/zoom";
import { inside, lie, moveBy, STEP, zoomBy, zoomTo } from "../../state/zoom";
import { useShortcuts } from "./useShortcuts";

/** One press of an arrow, in pixels of the page. */
const ARROW = 80;
/** Turning a wheel by so many pixels doubles the scale. */
const DOUBLES = 400;

/** What the stage does with its picture. */
export interface Zoom {
  /** Where it lies; `null` before there is one. */
  at: Lie | null;
  /** Is anything of it outside, or is it not as large as it could be shown whole? */
  zoomed: boolean;
  enlarge: () => void;
  reduce: () => void;
  /** The whole picture. */
  fit: () => void;
  /** One pixel of it on one of the display. */
  actual: () => void;
  /** For the place that it lies in. */
  handlers: {
    onKeyDown: (event: KeyboardEvent) => void;
    onDoubleClick: (event: { clientX: number; clientY: number }) => void;
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: (event: PointerEvent) => void;
    onPointerCancel: (event: PointerEvent) => void;
  };
}

/** The picture of that size in that place. */
export function useZoom(picture: Extent | undefined, place: RefObject<HTMLElement | null>, room: Extent): Zoom {
  const [wanted, setView] = useState<View>(null);
  const density = window.devicePixelRatio || 1;
  const scenery: Scenery | null =
    picture && picture.width > 0 && room.width > 0 && room.height > 0 ? { picture, place: room, density } : null;
  const view = wanted && scenery ? inside(wanted, scenery) : null;
  const change = (next: (view: View, scenery: Scenery) => View): void =>
    setView((was) => (scenery ? next(was && inside(was, scenery), scenery) : was));
  const pointOf = (event: { clientX: number; clientY: number }) => {
    const box = place.current?.getBoundingClientRect();
    return { left: event.clientX - (box?.left ?? 0), top: event.clientY - (box?.top ?? 0) };
  };

  const enlarge = (): void => change((was, s) => zoomBy(was, STEP, s));
  const reduce = (): void => change((was, s) => zoomBy(was, 1 / STEP, s));
  const fit = (): void => setView(null);
  const actual = (): void => change((was, s) => zoomTo(was, 1, s));
  useShortcuts({ "+": enlarge, "=": enlarge, "-": reduce, "0": fit, "1": actual });

  // React listens for wheels in a way that may not keep the page from scrolling.
  const turn = useRef<(event: WheelEvent) => void>(() => undefined);
  turn.current = (event) => {
    if (!scenery) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const [right, down] = [event.deltaX * lines, event.deltaY * lines];
    // Two fingers that move sideways, too, push the picture; a wheel and two fingers that spread enlarge it.
    if (!event.ctrlKey && (right !== 0 || event.shiftKey)) {
      change((was, s) => moveBy(was, -(right || down), right ? -down : 0, s));
    } else {
      const factor = 2 ** (-(event.ctrlKey ? down * 4 : down) / DOUBLES);
      change((was, s) => zoomBy(was, factor, s, pointOf(event)));
    }
  };
  useEffect(() => {
    const element = place.current;
    const onWheel = (event: WheelEvent): void => turn.current(event);
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, [place]);

  const fingers = useRef(new Map<number, { left: number; top: number }>());
  const lift = (event: PointerEvent): void => void fingers.current.delete(event.pointerId);
  const drag = (event: PointerEvent): void => {
    const held = fingers.current;
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    const others = [...held].filter(([id]) => id !== event.pointerId);
    held.set(event.pointerId, now);
    const other = others[0]?.[1];
    if (!other) {
      change((was, s) => moveBy(was, now.left - before.left, now.top - before.top, s));
      return;
    }
    const apart = (a: { left: number; top: number }): number => Math.hypot(a.left - other.left, a.top - other.top);
    const middle = { left: (now.left + other.left) / 2, top: (now.top + other.top) / 2 };
    const factor = apart(now) / Math.max(1, apart(before));
    change((was, s) =>
      moveBy(zoomBy(was, factor, s, middle), (now.left - before.left) / 2, (now.top - before.top) / 2, s),
    );
  };

  return {
    at: scenery && lie(view, scenery),
    zoomed: view !== null,
    enlarge,
    reduce,
    fit,
    actual,
    handlers: {
      onKeyDown: (event) => {
        const way = ARROWS[event.key];
        if (!way || !view || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        change((was, s) => moveBy(was, way[0] * ARROW, way[1] * ARROW, s));
      },
      onDoubleClick: (event) => change((was, s) => (was ? null : zoomTo(was, 1, s, pointOf(event)))),
      onPointerDown: (event) => {
        if (event.button !== 0 || fingers.current.size > 1) return;
        event.currentTarget.setPointerCapture?.(event.pointerId);
        fingers.current.set(event.pointerId, pointOf(event));
      },
      onPointerMove: drag,
      onPointerUp: lift,
      onPointerCancel: lift,
    },
  };
}

/** The picture moves against the arrow: one looks further to the right. */
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
