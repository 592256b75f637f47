//! The rehearsal: answers the same list as Rust, from memory, so that the whole face runs in a plain browser and in tests.
//! Never part of a product build. Nothing here decides what the product does; it only has to behave like it.

import type { Door } from "../door";
import type {
  Change,
  Code,
  Commands,
  Event,
  Failure,
  MeetingView,
  RehearsalView,
  Role,
  Snapshot,
} from "../generated/bridge";
import { CODES } from "../generated/bridge";
import { Painter } from "./painter";
import { CLEAR, sceneOf } from "./scenes";

type Answers = { [K in keyof Commands]: (req: Commands[K][0]) => Commands[K][1] | Promise<Commands[K][1]> };

const fail = (code: Code, retry = false): Failure => ({ code, detail: "rehearsal", retry });
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A door with nobody behind it. */
export function rehearse(params: URLSearchParams): Door & { readonly snapshot: Snapshot; readonly sent: string[] } {
  const rehearsal = new Rehearsal(sceneOf(params), params);
  return rehearsal.door();
}

class Rehearsal {
  #state: Snapshot;
  #onEvent: ((event: Event) => void) | undefined;
  #painter: Painter | undefined;
  #looked: readonly string[] = [];
  #left = false;
  #held = false;
  readonly #sent: string[] = [];
  readonly #still: boolean;
  readonly #fails: Code | null;

  constructor(state: Snapshot, params: URLSearchParams) {
    this.#state = state;
    this.#still = params.has("still");
    this.#fails = CODES.find((code) => code === params.get("fails")) ?? null;
  }

  door(): Door & { readonly snapshot: Snapshot; readonly sent: string[] } {
    const state = (): Snapshot => this.#state;
    return {
      get snapshot() {
        return state();
      },
      sent: this.#sent,
      call: async (name, req) => {
        if (name !== "heartbeat") this.#sent.push(name);
        const answer = this.#answers[name];
        return (await answer.call(this.#answers, req)) as never;
      },
      subscribe: async (onEvent) => {
        this.#onEvent = onEvent;
        this.#live();
        return structuredClone(this.#state);
      },
      openFrames: async (onFrame) => {
        if (typeof OffscreenCanvas === "undefined") return;
        this.#painter = new Painter(onFrame);
        this.#repaint();
      },
      ackFrame: () => undefined,
    };
  }

  #change(change: Change): void {
    const { slice, value } = change;
    const seq = this.#state.seq + 1;
    this.#state = slice === "levels" ? { ...this.#state, seq } : ({ ...this.#state, [slice]: value, seq } as Snapshot);
    this.#onEvent?.({ seq, change });
    if (slice === "meeting" || slice === "devices") this.#repaint();
  }

  #repaint(): void {
    const { meeting, devices } = this.#state;
    const tracks: { id: string; kind: "camera" | "screen"; who: string }[] = [];
    if (devices.preview_track !== null) tracks.push({ id: devices.preview_track, kind: "camera", who: "me" });
    if (meeting?.camera.is === "on" && meeting.camera.track !== null) {
      tracks.push({ id: meeting.camera.track, kind: "camera", who: meeting.me });
    }
    if (meeting?.share.is === "on" && meeting.share.track !== null) {
      tracks.push({ id: meeting.share.track, kind: "screen", who: meeting.me });
    }
    for (const person of meeting?.people ?? []) {
      for (const track of person.tracks) {
        if (track.kind !== "video" || track.muted || track.state !== "playing") continue;
        tracks.push({ id: track.id, kind: track.source === "screen_share" ? "screen" : "camera", who: person.user });
      }
    }
    for (const id of this.#looked) tracks.push({ id: `still:${id}`, kind: "screen", who: id });
    this.#painter?.show(tracks);
  }

  #meeting(edit: (meeting: MeetingView) => MeetingView): void {
    if (!this.#state.meeting) throw fail("not_in_meeting");
    this.#change({ slice: "meeting", value: edit(this.#state.meeting) });
  }

  // People talk in turns, so that rings and bars move.
  #live(): void {
    let beat = 0;
    const tick = (): void => {
      beat += 1;
      const { meeting, devices } = this.#state;
      const wave = (phase: number): number =>
        Math.max(0, Math.sin(beat / 3 + phase) * 0.4 + Math.sin(beat * 1.7 + phase) * 0.2 + 0.2);
      const talking = (meeting?.people ?? []).filter(
        (person) => !person.is_me && person.tracks.some((track) => track.kind === "audio" && !track.muted),
      );
      const speaker = this.#still ? talking[0] : talking[Math.floor(beat / 45) % Math.max(1, talking.length)];
      const open = meeting ? meeting.microphone.is === "on" : devices.microphone_problem === null;
      this.#change({
        slice: "levels",
        value: {
          microphone: open ? (this.#still ? 0.55 : wave(0) * 0.8) : 0,
          people: speaker ? [{ user: speaker.user, level: this.#still ? 0.6 : Math.max(0.2, wave(2)) }] : [],
        },
      });
    };
    tick();
    if (!this.#still) setInterval(tick, 100);
  }

  async #join(
    title: string,
    name: string,
    role: Role | null,
    microphone: boolean,
    camera: boolean,
    own: boolean,
  ): Promise<null> {
    if (this.#state.meeting) throw fail("already_in_meeting");
    this.#left = false;
    for (const step of ["starting_host", "finding", "entering", "connecting"] as const) {
      if (step === "starting_host" && !own) continue;
      this.#change({ slice: "phase", value: { at: "joining", step } });
      await wait(450);
      if (this.#left) throw fail("not_in_meeting");
      if (this.#fails !== null && step === "finding") {
        this.#home();
        throw fail(this.#fails);
      }
    }
    const scene = sceneOf(new URLSearchParams({ scene: own ? "alone" : "meeting" }));
    const meeting = scene.meeting;
    if (meeting) {
      this.#change({
        slice: "meeting",
        value: {
          ...meeting,
          title,
          role,
          people: meeting.people.map((person) => (person.is_me ? { ...person, name } : person)),
          microphone: microphone ? { is: "on", track: null } : { is: "off" },
          camera: camera ? { is: "on", track: "local-camera" } : { is: "off" },
        },
      });
    }
    if (own) this.#change({ slice: "hosting", value: { ...(scene.hosting ?? EMPTY_HOST), title } });
    this.#change({ slice: "phase", value: { at: "in_meeting" } });
    return null;
  }

  #home(): null {
    this.#left = true;
    this.#change({ slice: "phase", value: { at: "home" } });
    this.#change({ slice: "meeting", value: null });
    return null;
  }

  readonly #answers: Answers = {
    host_meeting: (req) => this.#join(req.title, req.name, "owner", req.microphone, req.camera, true),
    read_invite: async ({ link }) => {
      await wait(120);
      if (!link.startsWith("shoji://join/")) throw fail("invite_unreadable");
      if (!link.includes("#")) throw fail("invite_cut");
      if (link.includes("v=9")) throw fail("invite_too_new");
      return {
        room: "morning-talk",
        addresses: ["192.168.1.20:7880", "[fe80::1c2a]:7880"],
        expires_at: Math.floor(Date.now() / 1000) + (link.includes("x=0") ? -3600 : 86_400),
        expired: link.includes("x=0"),
        fingerprint: FINGERPRINT,
      };
    },
    join_invite: async (req) => {
      if (req.link.includes("changed")) {
        await wait(600);
        throw fail("host_key_changed");
      }
      return this.#join("朝の打ち合わせ", req.name, "member", req.microphone, req.camera, false);
    },
    join_server: (req) => this.#join("LiveKit", "me", null, req.microphone, req.camera, false),
    join_recent: ({ id }) => {
      const recent = this.#state.recents.find((r) => r.id === id);
      if (!recent) throw fail("bad_input");
      const name = this.#state.settings.name ?? "?";
      return this.#join(recent.title, name, recent.own ? "owner" : "member", false, false, recent.own);
    },
    leave: () => this.#home(),
    stop_hosting: () => {
      this.#change({ slice: "hosting", value: null });
      return this.#state.meeting ? this.#home() : null;
    },
    forget_recent: ({ id }) => {
      this.#change({ slice: "recents", value: this.#state.recents.filter((recent) => recent.id !== id) });
      return null;
    },
    set_microphone: async ({ on }) => {
      this.#meeting((m) => ({ ...m, microphone: on ? { is: "starting" } : { is: "off" } }));
      await wait(150);
      this.#meeting((m) => ({ ...m, microphone: on ? { is: "on", track: null } : { is: "off" } }));
      return null;
    },
    hold_to_talk: async ({ on }) => {
      if (!this.#state.meeting?.allowed.includes("microphone")) throw fail("not_allowed");
      if (on === this.#held || (on && this.#state.meeting.microphone.is === "on")) return null;
      this.#held = on;
      this.#meeting((m) => ({ ...m, microphone: on ? { is: "on", track: null } : { is: "off" } }));
      return null;
    },
    set_shortcut: ({ what, keys }) => {
      const { shortcuts } = this.#state;
      if (keys !== null && !/(.*\+){2}|F[1-9]/.test(keys)) throw fail("shortcut_unsuitable");
      if (keys !== null && keys === shortcuts[what === "mute" ? "talk" : "mute"].keys) throw fail("shortcut_taken");
      const state =
        keys === null
          ? ({ is: "unknown" } as const)
          : keys.endsWith("F9")
            ? ({ is: "refused", code: "shortcut_taken" } as const)
            : ({ is: "works", desktop: null } as const);
      this.#change({ slice: "shortcuts", value: { ...shortcuts, [what]: { keys, state } } });
      return null;
    },
    set_camera: async ({ on }) => {
      this.#meeting((m) => ({ ...m, camera: on ? { is: "starting" } : { is: "off" } }));
      await wait(300);
      this.#meeting((m) => ({ ...m, camera: on ? { is: "on", track: "local-camera" } : { is: "off" } }));
      return null;
    },
    look_at_screens: ({ screens }) => {
      this.#looked = screens;
      this.#repaint();
      return null;
    },
    start_share: ({ sound }) => {
      this.#change({ slice: "settings", value: { ...this.#state.settings, share_sound: sound } });
      const share_sound = sound ? ({ is: "on", track: null } as const) : ({ is: "off" } as const);
      this.#meeting((m) => ({ ...m, share: { is: "on", track: "local-screen" }, share_sound }));
      return null;
    },
    stop_share: () => {
      this.#meeting((m) => ({ ...m, share: { is: "off" }, share_sound: { is: "off" } }));
      return null;
    },
    set_megaphone: ({ on }) => {
      if (!this.#state.meeting?.allowed.includes("megaphone")) throw fail("not_allowed");
      this.#meeting((m) => ({ ...m, megaphone: on ? { is: "on", track: null } : { is: "off" } }));
      return null;
    },
    choose_device: ({ kind, device }) => {
      this.#change({ slice: "devices", value: { ...this.#state.devices, [kind]: device } });
      return null;
    },
    refresh_devices: () => null,
    set_preview: ({ camera }) => {
      const track = camera && this.#state.devices.camera_problem === null ? "preview" : null;
      if (this.#state.devices.preview_track !== track) {
        this.#change({ slice: "devices", value: { ...this.#state.devices, preview_track: track } });
      }
      return null;
    },
    test_microphone: async () => {
      const stand = (rehearsal: RehearsalView): void =>
        this.#change({ slice: "devices", value: { ...this.#state.devices, rehearsal } });
      if (this.#state.meeting) throw fail("already_in_meeting");
      stand({ is: "recording" });
      void wait(1500)
        .then(() => stand({ is: "playing" }))
        .then(() => wait(1500))
        .then(() => stand({ is: "done", heard: "well" }));
      return null;
    },
    test_speaker: async () => {
      await wait(900);
      return null;
    },
    set_right: ({ role, capability, allowed }) => {
      this.#meeting((m) => ({
        ...m,
        rights: m.rights.map((row) =>
          row.role === role
            ? {
                ...row,
                allowed: allowed ? [...row.allowed, capability] : row.allowed.filter((other) => other !== capability),
              }
            : row,
        ),
      }));
      return null;
    },
    set_role: ({ user, role }) => {
      const owners = this.#state.meeting?.people.filter((person) => person.role === "owner") ?? [];
      if (owners.length === 1 && owners[0]?.user === user && role !== "owner") throw fail("last_owner");
      this.#meeting((m) => ({
        ...m,
        people: m.people.map((person) => (person.user === user ? { ...person, role } : person)),
      }));
      return null;
    },
    set_shield_minimum: ({ role, level }) => {
      this.#meeting((m) => {
        if (!m.shield) return m;
        const minimum = { ...m.shield.minimum, [role ?? "everyone"]: level };
        const demands = [minimum.everyone, m.role === null ? "none" : minimum[m.role]];
        const needed = (["block", "detect", "deter"] as const).find((each) => demands.includes(each)) ?? "none";
        return { ...m, shield: { ...m.shield, minimum, needed } };
      });
      return null;
    },
    set_shield_exempt: ({ user, exempt }) => {
      this.#meeting((m) => ({
        ...m,
        people: m.people.map((person) => (person.user === user ? { ...person, exempt } : person)),
      }));
      return null;
    },
    set_watermark: ({ watermark: is }) => {
      const tile = is === "invisible" || is === "both" ? CLEAR : null;
      this.#meeting((m) => ({ ...m, watermark: { ...m.watermark, is, tile } }));
      return null;
    },
    set_volume: ({ user, percent }) => {
      this.#meeting((m) => ({
        ...m,
        people: m.people.map((person) => (person.user === user ? { ...person, volume: percent } : person)),
      }));
      return null;
    },
    create_invite: async ({ role, hours }) => {
      await wait(250);
      return {
        link: `shoji://join/weekly?v=2&a=192.168.1.20:7880&i=AbCd1234&k=pE3q&x=${Date.now()}#c2VjcmV0LW9mLXRoZS1yZWhlYXJzYWwtb25seQ`,
        qr_svg: qr(),
        role,
        expires_at: Math.floor(Date.now() / 1000) + hours * 3600,
        fingerprint: FINGERPRINT,
      };
    },
    change_settings: (change) => {
      this.#change({ slice: "settings", value: { ...this.#state.settings, ...change } });
      return null;
    },
    dismiss_notice: ({ id }) => {
      this.#change({ slice: "notices", value: this.#state.notices.filter((notice) => notice.id !== id) });
      return null;
    },
    report_codecs: () => null,
    look_at: () => null,
    open_stage: ({ track }) => {
      this.#meeting((m) => ({ ...m, apart: track }));
      return null;
    },
    close_stage: () => {
      this.#meeting((m) => ({ ...m, apart: null }));
      return null;
    },
    heartbeat: () => null,
  };
}

const FINGERPRINT = "9f3a 07c2 b81e 44d0 6a5f 1c93 e27b 80d4";
const EMPTY_HOST = { title: "", addresses: ["192.168.1.20:7880"], fingerprint: FINGERPRINT, people: 1 };

// Looks like a QR code; scanning it leads nowhere.
function qr(): string {
  const size = 29;
  let cells = "";
  const eye = (x: number, y: number): boolean => {
    const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
    return ring !== 2 && ring <= 3;
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inEye = (x < 8 && y < 8) || (x > size - 9 && y < 8) || (x < 8 && y > size - 9);
      const dark = inEye
        ? eye(x > size / 2 ? size - 1 - x : x, y > size / 2 ? size - 1 - y : y)
        : ((x * 7919 + y * 104_729 + x * y * 31) >> 3) % 2 === 0;
      if (dark) cells += `M${x} ${y}h1v1h-1z`;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}"><path d="${cells}"/></svg>`;
}
