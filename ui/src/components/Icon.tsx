//! Every pictogram, drawn here: 24 x 24, one line weight. Never the only bearer of a meaning.

import styles from "./Icon.module.css";

const PATHS = {
  mic: "M12 3.5a2.75 2.75 0 0 1 2.75 2.75v5.5a2.75 2.75 0 0 1-5.5 0v-5.5A2.75 2.75 0 0 1 12 3.5ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  micOff:
    "M9.25 9.3v2.45a2.75 2.75 0 0 0 4.4 2.2M14.75 11V6.25a2.75 2.75 0 0 0-5.2-1.25M5.5 11.5a6.5 6.5 0 0 0 10.3 5.3M18.5 11.5c0 1-.2 1.9-.6 2.7M12 18v3M4 3.5l16 17",
  camera: "M4.5 6.5h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15.5 10.5l6-3v9l-6-3",
  cameraOff:
    "M8.5 6.5h5a2 2 0 0 1 2 2v2l6-3v9l-2.6-1.3M15.5 14.2v1.3a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7c0-1 .7-1.8 1.6-2M4 3.5l16 17",
  screen:
    "M4.5 4.5h15a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-15a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2ZM8 20.5h8M12 14V8M9.25 10.5 12 7.75l2.75 2.75",
  window: "M5 4.5h14a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2ZM3 9h18M6 6.8h.01M8.5 6.8h.01",
  monitor: "M4.5 4.5h15a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-15a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2ZM8 20.5h8",
  megaphone: "M4 9.5v5h3.5l9 4.5v-14l-9 4.5H4ZM7.5 14.5l1.2 5h2.6l-1.1-3.8M19.5 9.5a4 4 0 0 1 0 5",
  people:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19.5a6.5 6.5 0 0 1 13 0M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 14.3a6.5 6.5 0 0 1 3.5 5.2",
  invite: "M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3.5 19.5a6.5 6.5 0 0 1 12-3.4M18.5 14.5v6M15.5 17.5h6",
  leave: "M13.5 4.5h-7a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h7M10 12h10.5M17 8.5l3.5 3.5-3.5 3.5",
  lock: "M6.5 10.5h11a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19v-7a1.5 1.5 0 0 1 1.5-1.5ZM8 10.5V7.5a4 4 0 0 1 8 0v3M12 14.5v2.5",
  unlock:
    "M6.5 10.5h11a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19v-7a1.5 1.5 0 0 1 1.5-1.5ZM8 10.5V7.5a4 4 0 0 1 7.6-1.7M12 14.5v2.5",
  shield: "M12 3.2 19 6v5.5c0 4.4-2.9 7.6-7 9.3-4.1-1.7-7-4.9-7-9.3V6l7-2.8ZM9 12l2.2 2.2L15.2 10",
  shieldOff: "M12 3.2 19 6v5.5c0 4.4-2.9 7.6-7 9.3-4.1-1.7-7-4.9-7-9.3V6l7-2.8ZM9.5 9.5l5 5M14.5 9.5l-5 5",
  settings:
    "M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM19.2 14.2l1.5 1.2-1.9 3.3-1.9-.7a7.5 7.5 0 0 1-1.9 1.1l-.3 1.9h-3.8l-.3-1.9A7.5 7.5 0 0 1 8.7 18l-1.9.7-1.9-3.3 1.5-1.2a7.5 7.5 0 0 1 0-2.4L4.9 10.6l1.9-3.3 1.9.7a7.5 7.5 0 0 1 1.9-1.1l.3-1.9h3.8l.3 1.9a7.5 7.5 0 0 1 1.9 1.1l1.9-.7 1.9 3.3-1.5 1.2a7.5 7.5 0 0 1 0 2.4Z",
  copy: "M9 8.5h9a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H9A1.5 1.5 0 0 1 7.5 19v-9A1.5 1.5 0 0 1 9 8.5ZM15.5 8.5V5A1.5 1.5 0 0 0 14 3.5H5.5A1.5 1.5 0 0 0 4 5v8.5A1.5 1.5 0 0 0 5.5 15h2",
  check: "M4.5 12.5 10 18 19.5 6.5",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9.5l6 6 6-6",
  back: "M14.5 5.5 8 12l6.5 6.5",
  zoomIn: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3l5.2 5.2M7.5 10.5h6M10.5 7.5v6",
  zoomOut: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3l5.2 5.2M7.5 10.5h6",
  fit: "M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9M20 9V5.5A1.5 1.5 0 0 0 18.5 4H15M4 15v3.5A1.5 1.5 0 0 0 5.5 20H9M20 15v3.5a1.5 1.5 0 0 1-1.5 1.5H15",
  actual: "M3.5 8.5 6.5 6v12M15.5 8.5l3-2.5v12M12 9.5v.1M12 14.5v.1",
  popOut:
    "M10.5 5H6.5A1.5 1.5 0 0 0 5 6.5v11A1.5 1.5 0 0 0 6.5 19h11a1.5 1.5 0 0 0 1.5-1.5v-4M14 4.5h5.5V10M19.5 4.5 11.5 12.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  alert: "M12 4 21.5 20h-19L12 4ZM12 10v4.5M12 17.2v.1",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.6v.1",
  house: "M4 11.5 12 4.5l8 7M6 10v9.5h12V10M10 19.5v-5h4v5",
  link: "M10.5 13.5a4 4 0 0 0 5.7 0l3-3a4 4 0 1 0-5.7-5.7l-1.2 1.2M13.5 10.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 1 0 5.7 5.7l1.2-1.2",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.3l3.5 2",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 10.5v5.5M13.8 10.5v5.5",
  speaker: "M4 9.5v5h3.5l5 4v-13l-5 4H4ZM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  server: "M4.5 4.5h15v6h-15zM4.5 13.5h15v6h-15zM8 7.5v.1M8 16.5v.1",
  key: "M8 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12.5 12h9M18.5 12v3.5",
  refresh: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 3.5V8H15",
  near: "M12 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4ZM8.5 15.5a5 5 0 0 1 0-7M15.5 8.5a5 5 0 0 1 0 7M5.7 18.3a9 9 0 0 1 0-12.6M18.3 5.7a9 9 0 0 1 0 12.6",
} as const;

/** Names of the pictograms. */
export type IconName = keyof typeof PATHS;

/** One pictogram; hidden from screen readers, whoever uses it says the words. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className={styles.icon} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

const BARS = [
  { x: 3.5, y: 15, height: 5 },
  { x: 10, y: 10, height: 10 },
  { x: 16.5, y: 5, height: 15 },
] as const;

/** Signal strength from 0 to 3. */
export function SignalIcon({ bars }: { bars: 0 | 1 | 2 | 3 }) {
  return (
    <svg className={styles.signal} width={18} height={18} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {BARS.map((bar, at) => (
        <rect key={bar.x} x={bar.x} y={bar.y} width={4} height={bar.height} rx={1} data-lit={at < bars || undefined} />
      ))}
    </svg>
  );
}

/** The mark of the product: a screen slid half open, with light behind it. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg className={styles.mark} width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className={styles.markFrame} x="1" y="1" width="30" height="30" rx="7" />
      <rect className={styles.markLight} x="5" y="5" width="22" height="22" rx="1.5" />
      <path className={styles.markRoom} d="M5 6.5A1.5 1.5 0 0 1 6.5 5H12v22H6.5A1.5 1.5 0 0 1 5 25.5Z" />
      <circle className={styles.markSun} cx="10" cy="16" r="3.2" />
      <path className={styles.markLattice} d="M12 5v22M17 5v22M22 5v22M12 10.5h15M12 16h15M12 21.5h15" />
    </svg>
  );
}
