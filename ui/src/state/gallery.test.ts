//! The layout of tiles: nothing outside its place, everybody on some page, sixteen on one where they fit.

import fc from "fast-check";
import { expect, test } from "vitest";
import { bestColumns, layOut } from "./gallery";

const MEETING = { width: 1248, height: 645 };

test("one tile has one column, and sixteen share a page of an ordinary window", () => {
  expect(bestColumns(1, 1000, 600, 10)).toBe(1);
  expect(bestColumns(4, 1068, 568, 10)).toBe(2);
  expect(layOut(16, MEETING)).toMatchObject({ columns: 4, perPage: 16, pages: 1 });
  expect(layOut(25, MEETING)).toMatchObject({ columns: 4, perPage: 16, pages: 2 });
  expect(layOut(25, { width: 1888, height: 925 })).toMatchObject({ columns: 5, pages: 1 });
  expect(layOut(300, { width: 3800, height: 2000 })).toMatchObject({ perPage: 25, pages: 12 });
});

test("tiles of three and more are 16:9, inside their place, and everybody has a page", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 500 }),
      fc.integer({ min: 300, max: 4000 }),
      fc.integer({ min: 250, max: 3000 }),
      (count, width, height) => {
        const laid = layOut(count, { width, height });
        const rows = Math.ceil(Math.min(count, laid.perPage) / laid.columns);
        expect(laid.perPage * laid.pages).toBeGreaterThanOrEqual(count);
        expect(laid.perPage * (laid.pages - 1)).toBeLessThan(count);
        expect(laid.width * laid.columns + laid.gap * (laid.columns - 1)).toBeLessThanOrEqual(width);
        expect(laid.height * rows + laid.gap * (rows - 1)).toBeLessThanOrEqual(height);
        if (laid.perPage > 2) expect(Math.abs(laid.width / laid.height - 16 / 9)).toBeLessThan(0.03);
      },
    ),
  );
});
