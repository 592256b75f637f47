//! Scenes of the rehearsal, chosen by `?scene=…&lang=ja|en|system&theme=…&fails=CODE&still`.

import type {
  Capability,
  Code,
  MeetingView,
  Notice,
  PersonView,
  Role,
  ShieldMinimum,
  ShieldStatus,
  ShortcutView,
  Snapshot,
  TrackState,
  TrackView,
} from "../generated/bridge";

/** As on a fresh machine. */
const SOUND = { echo_cancellation: true, noise_suppression: "standard", automatic_gain: true } as const;
const ALL: Capability[] = ["microphone", "camera", "screen_share", "megaphone"];
const NAMES = [
  "佐藤 花子",
  "鈴木 一郎",
  "Emma Wilson",
  "田中 美咲",
  "高橋 健太",
  "伊藤 さくら",
  "Lukas Weber",
  "渡辺 直樹",
  "山本 結衣",
  "中村 大輔",
  "小林 彩",
  "加藤 翔",
  "吉田 恵",
  "山田 太郎",
  "佐々木 蓮",
  "松本 楓",
  "井上 悠",
  "木村 葵",
] as const;

const BLOCK: ShieldStatus = { level: "block", mechanism: "windows_exclude_from_capture", failed: false, test: null };
const NO_KEYS: ShortcutView = { keys: null, state: { is: "unknown" } };
const NONE: ShieldStatus = { level: "none", mechanism: "unsupported", failed: false, test: null };
const DETER: ShieldStatus = { level: "deter", mechanism: "macos_sharing_type", failed: false, test: null };

const X11: ShieldStatus = {
  level: "none",
  mechanism: "x11_watch",
  failed: false,
  test: { at: 1_900_000_000, outcome: "leaked" },
};
const NO_MINIMUM: ShieldMinimum = { everyone: "none", owner: "none", member: "none", guest: "none" };

function track(user: number, source: TrackView["source"], muted = false, state: TrackState = "playing"): TrackView {
  const kind = source === "camera" || source === "screen_share" ? "video" : "audio";
  return { id: `TR_${source}${user}`, source, kind, muted, state };
}

function person(at: number, tracks: TrackView[]): PersonView {
  const role: Role = at === 0 ? "owner" : at % 5 === 2 ? "guest" : "member";
  return {
    user: `u_${at}kq7`,
    sid: `PA_${at}`,
    name: NAMES[at % NAMES.length] ?? "?",
    role,
    is_me: at === 0,
    exempt: false,
    pictures: true,
    volume: 100,
    shield: at % 4 === 1 ? BLOCK : at % 4 === 3 ? DETER : NONE,
    tracks,
  };
}

function crowd(count: number): PersonView[] {
  return Array.from({ length: count }, (_, at) => {
    if (at === 0) return person(0, []);
    const tracks = [track(at, "microphone", at % 3 === 0)];
    if (at % 3 !== 2) tracks.push(track(at, "camera"));
    return person(at, tracks);
  });
}

function meeting(people: PersonView[]): MeetingView {
  return {
    title: "週次の打ち合わせ",
    me: "u_0kq7",
    people,
    role: "owner",
    allowed: ALL,
    rights: [
      { role: "owner", allowed: ALL, editable: false },
      { role: "member", allowed: ["microphone", "camera", "screen_share"], editable: true },
      { role: "guest", allowed: ["microphone", "camera"], editable: true },
    ],
    microphone: { is: "on", track: null },
    camera: { is: "on", track: "local-camera" },
    share: { is: "off" },
    share_sound: { is: "off" },
    megaphone: { is: "off" },
    seal: { is: "sealed" },
    link: { quality: "excellent", rtt_ms: 4, loss_percent: 0 },
    shield: { minimum: NO_MINIMUM, needed: "none", exempt: false, pictures: true, editable: true },
    watermark: { is: "none", tile: null, editable: true },
    heard_by: people.length - 1,
    apart: null,
  };
}

/** One transparent pixel: real tiles are drawn by the core. */
export const CLEAR = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";

const HOST = {
  title: "週次の打ち合わせ",
  addresses: ["192.168.1.20:7880", "[2001:db8::20]:7880"],
  fingerprint: "9f3a 07c2 b81e 44d0 6a5f 1c93 e27b 80d4",
  people: 4,
};

function home(): Snapshot {
  const now = Math.floor(Date.now() / 1000);
  return {
    seq: 0,
    about: { version: "0.1.0", os: "linux", person: null },
    phase: { at: "home" },
    meeting: null,
    hosting: null,
    devices: {
      microphones: [
        { id: "mic-1", name: "内蔵マイク", is_default: true },
        { id: "mic-2", name: "USB ヘッドセット", is_default: false },
      ],
      speakers: [
        { id: "spk-1", name: "内蔵スピーカー", is_default: true },
        { id: "spk-2", name: "USB ヘッドセット", is_default: false },
      ],
      cameras: [{ id: "cam-1", name: "HD Webcam C270", is_default: true }],
      screens: [
        { id: "scr-1", name: "eDP-1", width: 1920, height: 1080, is_primary: true, kind: "monitor" },
        { id: "scr-2", name: "HDMI-1", width: 2560, height: 1440, is_primary: false, kind: "monitor" },
        {
          id: "win-1",
          name: "予算案 2026 – LibreOffice Calc",
          width: 1280,
          height: 900,
          is_primary: false,
          kind: "window",
        },
      ],
      screens_blocked: null,
      system_sound: true,
      rehearsal: { is: "off" },
      microphone: null,
      speaker: null,
      camera: null,
      preview_track: null,
      microphone_problem: null,
      camera_problem: null,
    },
    settings: {
      name: "佐藤 花子",
      language: "ja",
      theme: "light",
      mirror: true,
      blur_background: false,
      cover_unfocused: false,
      share_sound: false,
      share_quality: "standard",
      ready_to_talk: true,
      key_sounds: true,
      ...SOUND,
    },
    shortcuts: { mute: NO_KEYS, talk: NO_KEYS },
    vault: { is: "keyring", name: "GNOME Keyring" },
    shield: NONE,
    recents: [
      { id: "r1", title: "週次の打ち合わせ", last_joined: now - 90_000, own: true, nearby: false, can_join: true },
      { id: "r2", title: "デザインの相談", last_joined: now - 260_000, own: false, nearby: true, can_join: true },
      { id: "r3", title: "採用面談（4 月）", last_joined: now - 900_000, own: false, nearby: false, can_join: false },
    ],
    pending_invite: null,
    notices: [],
  };
}

function inMeeting(people: PersonView[], change: Partial<MeetingView> = {}): Snapshot {
  return { ...home(), phase: { at: "in_meeting" }, meeting: { ...meeting(people), ...change } };
}

const LINK = "shoji://join/morning-talk?v=2&a=192.168.1.20:7880&i=Zx81&k=pE3q&x=1893456000#c2VjcmV0";

function replaceTracks(people: PersonView[], at: number, tracks: TrackView[]): PersonView[] {
  return people.map((p, index) => (index === at ? { ...p, tracks } : p));
}

const SCENES: Readonly<Record<string, () => Snapshot>> = {
  home,
  first: () => ({
    ...home(),
    settings: {
      name: null,
      language: "ja",
      theme: "light",
      mirror: true,
      blur_background: false,
      cover_unfocused: false,
      share_sound: false,
      share_quality: "standard",
      ready_to_talk: true,
      key_sounds: true,
      ...SOUND,
    },
    recents: [],
    vault: { is: "memory_only", code: "keyring_missing" },
  }),
  // A fresh machine that knows who sits at it.
  fresh: () => ({
    ...home(),
    about: { version: "0.1.0", os: "linux", person: "佐藤 花子" },
    settings: {
      name: null,
      language: "ja",
      theme: "light",
      mirror: true,
      blur_background: false,
      cover_unfocused: false,
      share_sound: false,
      share_quality: "standard",
      ready_to_talk: true,
      key_sounds: true,
      ...SOUND,
    },
    recents: [],
  }),
  // What one click leads to: nobody else, nothing open.
  quiet: () => ({
    ...inMeeting(crowd(1), { microphone: { is: "off" }, camera: { is: "off" } }),
    hosting: { ...HOST, people: 1 },
  }),
  // The key to talk is set: the microphone waits open and muted.
  talk: () => ({
    ...inMeeting(crowd(4), { microphone: { is: "ready" } }),
    shortcuts: {
      mute: { keys: "Ctrl+Shift+M", state: { is: "refused", code: "shortcut_taken" } },
      talk: { keys: "F8", state: { is: "works", desktop: null } },
    },
  }),
  // All that can go wrong with one's own voice, told at once.
  troubles: () => ({
    ...inMeeting(crowd(4), { microphone: { is: "off" } }),
    shortcuts: {
      mute: { keys: "Ctrl+Shift+M", state: { is: "works", desktop: "Ctrl+Shift+M" } },
      talk: { keys: "F8", state: { is: "refused", code: "shortcut_lost" } },
    },
    notices: [
      { id: 1, code: "microphone_silent", about: "USB ヘッドセット", device: null, severity: "warning", capture: null },
      {
        id: 2,
        code: "microphone_switched",
        about: "内蔵マイク",
        device: "microphone",
        severity: "warning",
        capture: null,
      },
      { id: 3, code: "shortcut_lost", about: null, device: null, severity: "warning", capture: null },
      { id: 4, code: "device_lost", about: null, device: "speaker", severity: "error", capture: null },
      { id: 5, code: "talk_key_stuck", about: null, device: null, severity: "warning", capture: null },
    ],
  }),
  clicked: () => ({ ...home(), pending_invite: LINK }),
  "no-devices": () => {
    const snapshot = home();
    return {
      ...snapshot,
      devices: {
        ...snapshot.devices,
        microphones: [],
        cameras: [],
        microphone_problem: "device_missing",
        camera_problem: "device_busy",
      },
    };
  },
  alone: () => ({ ...inMeeting(crowd(1)), hosting: { ...HOST, people: 1 } }),
  meeting: () => ({ ...inMeeting(crowd(4)), hosting: HOST }),
  two: () => inMeeting(crowd(2)),
  five: () => inMeeting(crowd(5)),
  nine: () => inMeeting(crowd(9)),
  sixteen: () => inMeeting(crowd(16)),
  crowd: () => inMeeting(crowd(25)),
  share: () => {
    const people = crowd(5);
    return inMeeting(replaceTracks(people, 1, [track(1, "microphone"), track(1, "camera"), track(1, "screen_share")]));
  },
  // The shared screen has a window of its own: `&window=stage` is that one.
  apart: () => {
    const people = crowd(5);
    return inMeeting(replaceTracks(people, 1, [track(1, "microphone"), track(1, "camera"), track(1, "screen_share")]), {
      apart: "TR_screen_share1",
      watermark: { is: "both", tile: CLEAR, editable: true },
    });
  },
  "two-shares": () => {
    const people = crowd(5);
    return inMeeting(replaceTracks(people, 1, [track(1, "microphone"), track(1, "screen_share")]), {
      share: { is: "on", track: "local-screen" },
    });
  },
  marked: () => {
    const people = crowd(5);
    return inMeeting(replaceTracks(people, 1, [track(1, "microphone"), track(1, "camera"), track(1, "screen_share")]), {
      watermark: { is: "both", tile: CLEAR, editable: true },
    });
  },
  open: () =>
    inMeeting(
      crowd(3).map((p) => ({ ...p, role: null, shield: null })),
      {
        seal: { is: "open" },
        role: null,
        rights: [],
        shield: null,
        link: { quality: "good", rtt_ms: 38, loss_percent: 1 },
      },
    ),
  partly: () => {
    const people = replaceTracks(crowd(4), 1, [track(1, "microphone"), track(1, "camera", false, "refused_unsealed")]);
    return {
      ...inMeeting(replaceTracks(people, 2, [track(2, "microphone", false, "wrong_key")]), {
        seal: { is: "partly", refused: 1, wrong_key: 1 },
        link: { quality: "poor", rtt_ms: 310, loss_percent: 12 },
      }),
      notices: notices("track_refused", "device_lost"),
    };
  },
  guest: () =>
    inMeeting(crowd(4), {
      role: "guest",
      allowed: ["microphone"],
      rights: meeting([]).rights.map((row) => ({ ...row, editable: false })),
      shield: { minimum: NO_MINIMUM, needed: "none", exempt: false, pictures: true, editable: false },
      camera: { is: "blocked", code: "not_allowed" },
      microphone: { is: "off" },
    }),
  // The meeting demands more than this computer has.
  "sound-only": () => {
    const people = crowd(4).map((p) => ({
      ...p,
      shield: p.is_me ? X11 : BLOCK,
      pictures: !p.is_me,
      tracks: p.tracks.map((each) => (each.kind === "video" ? { ...each, state: "withheld" as const } : each)),
    }));
    const minimum: ShieldMinimum = { ...NO_MINIMUM, everyone: "detect" };
    return {
      ...inMeeting(people, {
        role: "member",
        shield: { minimum, needed: "detect", exempt: false, pictures: false, editable: false },
      }),
      shield: X11,
    };
  },
  // Somebody's window was captured, and the owner is told.
  captured: () => ({
    ...inMeeting(crowd(4), {
      shield: {
        minimum: { ...NO_MINIMUM, everyone: "detect" },
        needed: "detect",
        exempt: false,
        pictures: true,
        editable: true,
      },
    }),
    shield: BLOCK,
    notices: [capture(1, "鈴木 一郎", true), capture(2, null, false)],
  }),
  lost: () => ({
    ...inMeeting(crowd(4), { link: { quality: "lost", rtt_ms: null, loss_percent: null } }),
    phase: { at: "reconnecting", why: "host_unreachable", tries: 3 },
  }),
  wayland: () => {
    const snapshot = inMeeting(crowd(2), {});
    const desktop = { id: "portal", name: "", width: 0, height: 0, is_primary: false, kind: "portal" } as const;
    return { ...snapshot, devices: { ...snapshot.devices, screens: [desktop] } };
  },
  unsupported: () => {
    const snapshot = inMeeting(crowd(2), { camera: { is: "blocked", code: "device_busy" } });
    return { ...snapshot, devices: { ...snapshot.devices, screens: [], screens_blocked: "share_unsupported" } };
  },
};

function capture(id: number, person: string | null, covered: boolean): Notice {
  return {
    id,
    code: person === null ? "window_captured" : "other_captured",
    about: "scrot",
    device: null,
    severity: covered ? "warning" : "error",
    capture: { person, incident: { program: "scrot", pid: 4711, method: "get_image", seconds: 2, covered } },
  };
}

function notices(...codes: Code[]): Snapshot["notices"] {
  return codes.map((code, at) => ({
    id: at + 1,
    code,
    about: code === "track_refused" ? "鈴木 一郎" : "USB ヘッドセット",
    device: code === "track_refused" ? null : "speaker",
    severity: at === 0 ? "error" : "warning",
    capture: null,
  }));
}

/** The snapshot of the scene that is asked for. */
export function sceneOf(params: URLSearchParams): Snapshot {
  const snapshot = (SCENES[params.get("scene") ?? "home"] ?? home)();
  const language = params.get("lang");
  const theme = params.get("theme");
  if (language === "ja" || language === "en" || language === "system") snapshot.settings.language = language;
  if (theme === "light" || theme === "dark" || theme === "contrast" || theme === "system")
    snapshot.settings.theme = theme;
  if (params.get("phase") === "joining") snapshot.phase = { at: "joining", step: "entering" };
  return snapshot;
}
