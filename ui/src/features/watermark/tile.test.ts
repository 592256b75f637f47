//! The visible watermark's picture.

import { expect, test } from "vitest";
import { asBackground, drawTile } from "./tile";

test("what a person is called cannot become markup", () => {
  const { svg } = drawTile([`<script>"&'`, "12:00"], "large");
  const read = new DOMParser().parseFromString(svg, "image/svg+xml");
  expect(read.querySelector("script")).toBeNull();
  expect(svg).toContain("&lt;script&gt;&quot;&amp;&#39;");
});

test("longer names get wider tiles, and letters that fill a square count as such", () => {
  const width = (name: string): number => drawTile([name], "large").width;
  expect(width("a".repeat(40))).toBeGreaterThan(width("a".repeat(10)));
  expect(width("花".repeat(10))).toBeGreaterThan(width("a".repeat(10)));
  expect(drawTile(["花子"], "small").width).toBeLessThan(drawTile(["花子"], "large").width);
});

test("a background holds no character that could end it", () => {
  expect(asBackground(drawTile(['") red url("', "#"], "large").svg).slice(5, -2)).not.toMatch(/["#<>]/);
});
