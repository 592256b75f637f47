//! What lies over pictures, on the rehearsal's door: where, for whom, and who may change it.

import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { expect, test } from "vitest";
import { openFace } from "./face";

const over = (place: ParentNode, kind: "visible" | "invisible"): HTMLElement[] => [
  ...place.querySelectorAll<HTMLElement>(`[data-watermark="${kind}"]`),
];
const words = (mark: HTMLElement | undefined): string => decodeURIComponent(mark?.style.backgroundImage ?? "");

test("nothing is drawn unless the meeting wants it", async () => {
  await openFace("scene=share&lang=en");
  expect(document.querySelectorAll("[data-watermark]").length).toBe(0);
});

test("a shared screen carries the viewer's name and mark, and neither is heard, clicked or reached", async () => {
  await openFace("scene=marked&lang=en");
  const stage = screen.getByRole("region", { name: "Shared screen" });
  expect(words(over(stage, "visible")[0])).toContain("佐藤 花子");
  expect(over(stage, "invisible")[0]?.style.backgroundImage).toContain("data:image/png;base64,");
  for (const mark of [...over(stage, "visible"), ...over(stage, "invisible")]) {
    expect(mark.getAttribute("aria-hidden")).toBe("true");
    expect(mark.tabIndex).toBe(-1);
  }
  const found = await axe.run(document.body, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(found.violations.map((v) => v.id)).toEqual([]);
});

test("cameras of others carry the name and no hidden mark, the own one carries nothing", async () => {
  await openFace("scene=marked&lang=en");
  for (const tile of screen.getAllByRole("listitem")) expect(over(tile, "invisible")).toEqual([]);
  const own = screen.getByRole("listitem", { name: /you/i });
  expect(over(own, "visible")).toEqual([]);
});

test("the owner chooses what is drawn, and it changes at once", async () => {
  const { user, door } = await openFace("scene=marked&lang=en");
  await user.keyboard("p");
  await user.click(await screen.findByRole("tab", { name: "Rights" }));
  const panel = screen.getByRole("region", { name: "Watermark" });
  await user.click(within(panel).getByRole("button", { name: /Draw over pictures/ }));
  await user.click(await screen.findByRole("option", { name: "Name and time" }));
  expect(door.sent).toContain("set_watermark");
  await waitFor(() => expect(door.snapshot.meeting?.watermark.is).toBe("visible"));
  expect(document.querySelectorAll('[data-watermark="invisible"]').length).toBe(0);
});
