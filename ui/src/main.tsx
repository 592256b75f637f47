//! Opens the door, starts the words and draws the app. Everything else is in `app/`, `features/` and `bridge/`.

import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { Closed } from "./app/Closed";
import { setDoor } from "./bridge/call";
import { reportCodecs } from "./bridge/codecs";
import type { Door } from "./bridge/door";
import { openPictures } from "./bridge/frames";
import { beat } from "./bridge/heartbeat";
import { insideWindow, tauriDoor } from "./bridge/tauri";
import { spoken, startWords } from "./i18n";
import { setPictures, startFace } from "./state/store";
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
  beat(door);
  // Codecs first: Rust decides by them what it sends through the frames door.
  const codecs = reportCodecs(door).catch((reason: unknown) => console.warn("codecs", reason));
  openPictures(door, setPictures).catch((reason: unknown) => console.warn("frames", reason));
  startFace(door);
  root.render(<App />);
  await codecs;
}

void start();
