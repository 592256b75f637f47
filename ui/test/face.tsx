//! Draws the whole page on the rehearsal's door, as `main.tsx` does, and gives back what the tests look at.

import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { onTestFinished } from "vitest";
import { App } from "../src/app/App";
import { setDoor } from "../src/bridge/call";
import { rehearse } from "../src/bridge/fake/fake";
import { face, startFace } from "../src/state/store";

/** The page with a scene; `scene` as in the address of `npm run ui:dev`. */
export async function openFace(scene: string) {
  const door = rehearse(new URLSearchParams(`${scene}&still`));
  setDoor(door);
  face.setState({ snapshot: undefined, trouble: false, failures: [] });
  onTestFinished(startFace(door));
  const user = userEvent.setup();
  const view = render(<App isStage={scene.includes("window=stage")} />);
  await view.findByRole(scene.includes("scene=home") || scene.includes("scene=first") ? "heading" : "main", {
    ...(scene.includes("scene=home") || scene.includes("scene=first") ? { level: 1 } : {}),
  });
  return { door, user, ...view };
}
