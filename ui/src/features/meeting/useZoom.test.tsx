//! Enlarging by keys, wheel, fingers and a double click, as a person does it.

import { act, fireEvent, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { expect, test } from "vitest";
import { useZoom } from "./useZoom";

const PICTURE = { width: 1920, height: 1080 };
const ROOM = { width: 960, height: 540 };

function Stage({ picture }: { picture: typeof PICTURE | undefined }) {
  const place = useRef<HTMLDivElement>(null);
  const zoom = useZoom(picture, place, ROOM);
  const { at } = zoom;
  return (
    <div ref={place} data-testid="stage" data-zoomed={zoom.zoomed} {...zoom.handlers}>
      {at ? `${at.scale.toFixed(3)} ${at.left} ${at.top}` : "nothing"}
    </div>
  );
}

const stage = (): HTMLElement => screen.getByTestId("stage");
const shown = (): string | null => stage().textContent;
const press = (key: string, init: KeyboardEventInit = {}): void =>
  void fireEvent.keyDown(document.body, { key, ...init });

// The simulated page knows of no place where a wheel is turned.
const turn = (init: WheelEventInit): void => {
  const event = new WheelEvent("wheel", { bubbles: true, cancelable: true, ...init });
  Object.defineProperties(event, { clientX: { value: 0 }, clientY: { value: 0 } });
  act(() => void stage().dispatchEvent(event));
};

test("plus, minus, nought and one are keys of the stage, with Shift where a plus needs it", () => {
  render(<Stage picture={PICTURE} />);
  expect(shown()).toBe("0.500 0 0");
  press("+", { shiftKey: true });
  press("=");
  expect(shown()).toMatch(/^0\.781 /);
  press("-");
  press("-");
  expect([shown(), stage().dataset.zoomed]).toEqual(["0.500 0 0", "false"]);
  press("1");
  expect(shown()).toBe("1.000 -480 -270");
  press("0");
  expect(shown()).toBe("0.500 0 0");
});

test("arrows look further where something is enlarged, and are left alone where not", () => {
  render(<Stage picture={PICTURE} />);
  expect(fireEvent.keyDown(stage(), { key: "ArrowRight" })).toBe(true);
  press("1");
  expect(fireEvent.keyDown(stage(), { key: "ArrowRight" })).toBe(false);
  fireEvent.keyDown(stage(), { key: "ArrowUp" });
  expect(shown()).toBe("1.000 -560 -190");
});

test("a wheel enlarges what is under it, and two fingers move it sideways", () => {
  render(<Stage picture={PICTURE} />);
  turn({ deltaY: -400 });
  expect(shown()).toBe("1.000 0 0");
  turn({ deltaX: 100 });
  expect(shown()).toBe("1.000 -100 0");
});

test("a double click shows the actual size there, and the whole again", () => {
  render(<Stage picture={PICTURE} />);
  fireEvent.doubleClick(stage(), { clientX: 960, clientY: 540 });
  expect(shown()).toBe("1.000 -960 -540");
  fireEvent.doubleClick(stage(), { clientX: 1, clientY: 1 });
  expect(shown()).toBe("0.500 0 0");
});

test("it is dragged with one finger and spread with two", () => {
  render(<Stage picture={PICTURE} />);
  press("1");
  fireEvent.pointerDown(stage(), { pointerId: 1, button: 0, clientX: 500, clientY: 300 });
  fireEvent.pointerMove(stage(), { pointerId: 1, clientX: 470, clientY: 320 });
  expect(shown()).toBe("1.000 -510 -250");
  fireEvent.pointerDown(stage(), { pointerId: 2, button: 0, clientX: 370, clientY: 320 });
  fireEvent.pointerMove(stage(), { pointerId: 2, clientX: 270, clientY: 320 });
  expect(shown()).toMatch(/^2\.000 /);
  fireEvent.pointerUp(stage(), { pointerId: 1 });
  fireEvent.pointerUp(stage(), { pointerId: 2 });
  const before = shown();
  fireEvent.pointerMove(stage(), { pointerId: 2, clientX: 10, clientY: 10 });
  expect(shown()).toBe(before);
});

test("without a picture nothing is enlarged", () => {
  render(<Stage picture={undefined} />);
  press("+");
  expect(shown()).toBe("nothing");
});
