//! The switch for a blurred background asks Rust, and shows what Rust says.

import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { setDoor } from "../../bridge/call";
import { rehearse } from "../../bridge/fake/fake";
import { startWords } from "../../i18n";
import en from "../../i18n/en.json";
import ja from "../../i18n/ja.json";
import { face, startFace } from "../../state/store";
import { BlurSwitch } from "./BlurSwitch";

test.each([
  ["ja", ja.settings.blur],
  ["en", en.settings.blur],
] as const)("in %s it is named, works by the keyboard and shows what Rust says", async (language, name) => {
  startWords(language);
  const door = rehearse(new URLSearchParams("scene=home"));
  setDoor(door);
  const end = startFace(door);
  await waitFor(() => expect(face.getState().snapshot).toBeDefined());
  const user = userEvent.setup();
  const drawn = render(<BlurSwitch hint />);
  const toggle = screen.getByRole<HTMLInputElement>("switch", { name: new RegExp(name) });
  expect(toggle.checked).toBe(false);
  await user.tab();
  expect(document.activeElement).toBe(toggle);
  await user.keyboard(" ");
  await waitFor(() => expect(door.snapshot.settings.blur_background).toBe(true));
  await waitFor(() => expect(toggle.checked).toBe(true));
  await user.click(toggle);
  await waitFor(() => expect(toggle.checked).toBe(false));
  expect(door.sent.filter((command) => command === "change_settings")).toHaveLength(2);
  drawn.unmount();
  end();
});
