//! Opens the door, starts the words and draws the app. Everything else is in `app/`, `features/` and `bridge/`.

import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { Closed } from "./app/Closed";
import { setDoor } from "./bridge/call";
import { reportCodecs } from "./bridge/codecs";
import type { Door } from "./bridge/door";
import { openPictures } from "./bridge/frames";
import { beat } from "./bridge/heartbeat";
import { insideWindow, tauriDoor, windowName } from "./bridge/tauri";
import { spoken, startWords } from "./i18n";
import { face, setPictures, startFace } from "./state/store";
import "./styles/tokens.css";
import "./styles/base.css";

async function openDoor(): Promise<Door | undefined> {
  if (insideWindow()) return tauriDoor;
  if (__REHEARSAL__) return (await import("./bridge/fake/fake")).rehearse(new URLSearchParams(location.search));
  return undefined;
}

async function start(): Promise<void> {
  const place = document.getElementById("root");
  if (!place) return;
  startWords(spoken("system", navigator.language));
  const root = createRoot(place);
  const door = await openDoor();
  if (!door) {
    root.render(<Closed />);
    return;
  }
  setDoor(door);
  const isStage = windowName() === "stage";
  // Rust watches over the main window's page; a shared screen's can be closed and opened.
  if (!isStage) beat(door);
  openPictures(door, setPictures).catch((reason: unknown) => console.warn("frames", reason));
  startFace(door);
  root.render(<App isStage={isStage} />);
  // What this program's pages can decode is tried once.
  if (isStage) return;
  await firstPicture();
  // Until Rust knows better it sends pictures encoded; a codec that fails here is decoded there from now on.
  await reportCodecs(door).catch((reason: unknown) => console.warn("codecs", reason));
}

/** Waits until there may be pictures: trying codecs wakes the page's media engine, which a home screen has no use for. */
function firstPicture(): Promise<void> {
  return new Promise((resolve) => {
    const look = (): boolean => {
      const now = face.getState().snapshot;
      return now !== undefined && (now.phase.at !== "home" || now.devices.preview_track !== null);
    };
    if (look()) return resolve();
    const stop = face.subscribe(() => {
      if (!look()) return;
      stop();
      resolve();
    });
  });
}

void start();
