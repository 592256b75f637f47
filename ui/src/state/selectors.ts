//! Questions the screens ask about the snapshot. Pure; no decision about rights is made here, only what Rust said is read.

import type {
  Capability,
  Code,
  MeetingView,
  PersonView,
  Snapshot,
  SwitchState,
  TrackState,
  TrackView,
} from "../bridge/generated/bridge";

/** The picture of a person's camera. */
export interface CameraPicture {
  /** Track on the frames door; `null`: no picture now. */
  track: string | null;
  /** Why there is none although they send one. */
  trouble: Exclude<TrackState, "waiting" | "playing"> | null;
}

/** What to draw on someone's tile. */
export function cameraOf(person: PersonView, meeting: MeetingView): CameraPicture {
  if (person.is_me) return { track: meeting.camera.is === "on" ? meeting.camera.track : null, trouble: null };
  const track = find(person, "camera");
  if (!track || track.muted) return { track: null, trouble: null };
  return pictureOf(track);
}

function pictureOf(track: TrackView): CameraPicture {
  switch (track.state) {
    case "waiting":
    case "playing":
      return { track: track.id, trouble: null };
    case "refused_unsealed":
    case "wrong_key":
    case "no_decoder":
    case "withheld":
      return { track: null, trouble: track.state };
  }
}

/** Is this person's microphone open? */
export function hears(person: PersonView, meeting: MeetingView): boolean {
  if (person.is_me) return meeting.microphone.is === "on";
  const track = find(person, "microphone");
  return track !== undefined && !track.muted;
}

/** Why this person's microphone is not heard although they send it. */
export function soundTrouble(person: PersonView): CameraPicture["trouble"] {
  const track = person.tracks.find(
    (t) =>
      t.kind === "audio" && (t.state === "refused_unsealed" || t.state === "wrong_key" || t.state === "no_decoder"),
  );
  return track && track.state !== "waiting" && track.state !== "playing" ? track.state : null;
}

/** Does this person speak to the whole house? */
export function onMegaphone(person: PersonView, meeting: MeetingView): boolean {
  if (person.is_me) return meeting.megaphone.is === "on";
  const track = find(person, "megaphone");
  return track !== undefined && !track.muted;
}

/** A screen that is being shown. */
export interface SharedScreen extends CameraPicture {
  person: PersonView;
}

/** The shared screen that has a window of its own. */
export function apartScreen(meeting: MeetingView): SharedScreen | undefined {
  return screensOfOthers(meeting).find(({ sid }) => sid === meeting.apart);
}

function screensOfOthers(meeting: MeetingView): (SharedScreen & { sid: string })[] {
  return meeting.people.flatMap((person) => {
    const track = person.is_me ? undefined : find(person, "screen_share");
    return track && !track.muted ? [{ person, sid: track.id, ...pictureOf(track) }] : [];
  });
}

/** Every screen that is shared and shown in the main window, this person's own last. */
export function sharedScreens(meeting: MeetingView): SharedScreen[] {
  const shown: SharedScreen[] = screensOfOthers(meeting).filter(({ sid }) => sid !== meeting.apart);
  const me = meeting.people.find((person) => person.is_me);
  if (me && meeting.share.is === "on") shown.push({ person: me, track: meeting.share.track, trouble: null });
  return shown;
}

function find(person: PersonView, source: TrackView["source"]): TrackView | undefined {
  return person.tracks.find((track) => track.source === source && track.kind === (isSound(source) ? "audio" : "video"));
}

const isSound = (source: TrackView["source"]): boolean =>
  source === "microphone" || source === "megaphone" || source === "screen_share_audio";

/** Why a switch cannot be used, if so. */
export function blockedBy(meeting: MeetingView, capability: Capability, state: SwitchState): Code | null {
  if (!meeting.allowed.includes(capability)) return "not_allowed";
  return state.is === "blocked" ? state.code : null;
}

/** May this person invite and change rights? */
export const runsMeeting = (meeting: MeetingView): boolean => meeting.role === "owner";

/** Is a meeting on screen? */
export const inMeeting = (snapshot: Snapshot): boolean =>
  snapshot.meeting !== null && (snapshot.phase.at === "in_meeting" || snapshot.phase.at === "reconnecting");

/** Up to two letters for a picture: the first of the family name in Japanese, initials elsewhere. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s　]+/u)
    .filter(Boolean);
  const first = words[0] ?? "";
  const letters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(first)].map((s) => s.segment);
  if (!/^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u.test(first)) return letters[0] ?? "?";
  const second = words.length > 1 ? (words.at(-1) ?? "") : "";
  return ((letters[0] ?? "") + ([...second][0] ?? "")).toLocaleUpperCase();
}

/** How many colours avatars have; `styles/tokens.css` defines as many. */
export const HUES = 8;

/** The colour of a person, the same on every machine. */
export function hueOf(user: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < user.length; at++) hash = Math.imul(hash ^ user.charCodeAt(at), 0x01000193) >>> 0;
  return hash % HUES;
}
