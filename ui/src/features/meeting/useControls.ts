//! The switches of this person, as Rust says they stand, and what pressing them sends.

import type { Capability, Code, MeetingView, SwitchState } from "../../bridge/generated/bridge";
import { blockedBy } from "../../state/selectors";
import { send } from "../../state/store";

/** One switch. */
export interface Control {
  on: boolean;
  starting: boolean;
  /** Off, but open for the key to talk; nothing is sent. */
  waiting: boolean;
  /** Why it cannot be used. */
  blocked: Code | null;
  toggle(): void;
}

/** Every switch. */
export interface Controls {
  microphone: Control;
  camera: Control;
  megaphone: Control;
  share: Omit<Control, "toggle"> & { start(screen: string, sound: boolean): void; stop(): void };
}

/** The switches of a meeting. */
export function useControls(meeting: MeetingView): Controls {
  const base = (state: SwitchState, capability: Capability) => ({
    on: state.is === "on",
    starting: state.is === "starting",
    waiting: state.is === "ready",
    blocked: blockedBy(meeting, capability, state),
  });
  const control = (
    command: "set_microphone" | "set_camera" | "set_megaphone",
    state: SwitchState,
    capability: Capability,
  ): Control => {
    const now = base(state, capability);
    return {
      ...now,
      toggle: () => {
        // A device that failed may be tried again; a right that is missing may not.
        if (now.starting || now.blocked === "not_allowed") return;
        void send(command, { on: !now.on });
      },
    };
  };
  return {
    microphone: control("set_microphone", meeting.microphone, "microphone"),
    camera: control("set_camera", meeting.camera, "camera"),
    megaphone: control("set_megaphone", meeting.megaphone, "megaphone"),
    share: {
      ...base(meeting.share, "screen_share"),
      start: (screen, sound) => void send("start_share", { screen, sound }),
      stop: () => void send("stop_share", {}),
    },
  };
}
