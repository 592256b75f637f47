//! The enlarged picture: what is under the pointer stays there, nothing lies beside its place, letters lie on pixels.

import fc from "fast-check";
import { expect, test } from "vitest";
import { fitting, inside, lie, moveBy, type Scenery, zoomBy, zoomTo } from "./zoom";

const SCENERY: Scenery = { picture: { width: 1920, height: 1080 }, place: { width: 900, height: 600 }, density: 1 };

test("a whole picture is in the middle, and its actual size is pixel by pixel", () => {
  expect(lie(null, SCENERY)).toMatchObject({ left: 0, top: 47, width: 900, height: 506 });
  const actual = lie(zoomTo(null, 1, SCENERY), SCENERY);
  expect(actual).toMatchObject({ width: 1920, height: 1080, left: -510, top: -240, scale: 1 });
  const sharp = lie(zoomTo(null, 1, { ...SCENERY, density: 2 }), { ...SCENERY, density: 2 });
  expect([sharp.width, sharp.height]).toEqual([960, 540]);
});

test("zooming out ends at the whole picture, and in at eight times", () => {
  let view = zoomBy(null, 100, SCENERY);
  expect(view?.scale).toBe(8);
  view = zoomBy(view, 0.0001, SCENERY);
  expect(view).toBeNull();
  const small: Scenery = { ...SCENERY, picture: { width: 300, height: 200 } };
  expect(fitting(small)).toBe(3);
  expect(zoomTo(null, 1, small)?.scale).toBe(1);
});

test("moving stops at the edges, and a whole picture does not move", () => {
  expect(moveBy(null, 100, 0, SCENERY)).toBeNull();
  const far = moveBy(zoomTo(null, 1, SCENERY), 99_999, -99_999, SCENERY);
  const at = lie(far, SCENERY);
  expect(at.left).toBe(0);
  expect(at.top + at.height).toBe(SCENERY.place.height);
});

test("what is under the pointer stays there where the edges let it, and no gap opens", () => {
  const length = fc.integer({ min: 100, max: 4000 });
  const extent = fc.record({ width: length, height: length });
  fc.assert(
    fc.property(
      fc.record({ picture: extent, place: extent, density: fc.constantFrom(1, 1.25, 2) }),
      fc.double({ min: 1.1, max: 4, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (scenery, factor, u, v) => {
        const point = { left: u * scenery.place.width, top: v * scenery.place.height };
        const view = zoomBy(zoomBy(null, 3, scenery), factor, scenery, point);
        if (!view) return;
        expect(inside(view, scenery)).toEqual(view);
        const at = lie(view, scenery);
        for (const [edge, size, room] of [
          [at.left, at.width, scenery.place.width],
          [at.top, at.height, scenery.place.height],
        ] as const) {
          if (size >= room + 2) expect([edge <= 1, edge + size >= room - 1]).toEqual([true, true]);
        }
      },
    ),
  );
  const view = zoomBy(zoomTo(null, 1, SCENERY), 2, SCENERY, { left: 450, top: 300 });
  expect([view?.x, view?.y]).toEqual([0.5, 0.5]);
});
