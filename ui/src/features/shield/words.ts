//! Protection from screenshots in words: which sentence fits. Pure; decides nothing about who may see what.

import type {
  CaptureMethod,
  CaptureView,
  ShieldLevel,
  ShieldMechanism,
  ShieldStatus,
} from "../../bridge/generated/bridge";

/** From the weakest to the strongest. */
export const LEVELS: readonly ShieldLevel[] = ["none", "deter", "detect", "block"];

/** What counts: not known and failed are none. */
export const effective = (shield: ShieldStatus | null): ShieldLevel =>
  shield === null || shield.failed ? "none" : shield.level;

/** What is demanded where two demands meet. */
export const strongest = (one: ShieldLevel, other: ShieldLevel): ShieldLevel =>
  LEVELS.indexOf(one) > LEVELS.indexOf(other) ? one : other;

/** What would help somebody whose protection is too little. */
export type Help =
  | "windowsUpdate"
  | "windows"
  | "macos"
  | "x11Module"
  | "x11Again"
  | "x11ModuleCheck"
  | "wayland"
  | "linux"
  | "other";

/** Which help fits this protection, this demand and this system. */
export function helpFor(shield: ShieldStatus, needed: ShieldLevel, os: string): Help {
  switch (shield.mechanism) {
    case "windows_monitor":
      return "windowsUpdate";
    case "windows_exclude_from_capture":
      return "windows";
    case "macos_sharing_type":
    case "macos_prevents_capture":
      return "macos";
    case "x11_watch":
      return needed === "block" && effective(shield) === "detect" ? "x11Module" : "x11Again";
    case "x11_module":
      return "x11ModuleCheck";
    case "wayland_capture_control":
    case "wayland_window_rule":
    case "wayland_watch":
      return "wayland";
    case "unsupported":
      return os === "windows" ? "windows" : os === "macos" ? "macos" : os === "linux" ? "linux" : "other";
  }
}

/** Does the meeting's own window stay out of a screen that is shared from this computer? */
export function missesWhenShared(shield: ShieldStatus): boolean {
  return effective(shield) !== "none" && MISSES[shield.mechanism];
}

// What only notices captures knows its own program.
const MISSES: Readonly<Record<ShieldMechanism, boolean>> = {
  unsupported: false,
  windows_exclude_from_capture: true,
  windows_monitor: true,
  macos_sharing_type: true,
  macos_prevents_capture: true,
  x11_watch: false,
  x11_module: true,
  wayland_capture_control: true,
  wayland_window_rule: true,
  wayland_watch: false,
};

/** What happened, in the few ways a person tells apart. */
export type Happening = "captured" | "key" | "clipboard" | "recorded" | "mirrored" | "lost";

const HAPPENING: Readonly<Record<CaptureMethod, Happening>> = {
  get_image: "captured",
  shm_get_image: "captured",
  copy: "captured",
  composite: "captured",
  render: "captured",
  dri: "captured",
  double_buffer: "captured",
  damage: "recorded",
  record: "recorded",
  capture_key: "key",
  clipboard: "clipboard",
  screen_recording: "recorded",
  mirroring: "mirrored",
  meddling: "lost",
  watch_lost: "lost",
};

/** What happened in this capture. */
export const happening = (capture: CaptureView): Happening => HAPPENING[capture.incident.method];
