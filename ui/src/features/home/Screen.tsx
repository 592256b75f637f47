//! The picture of the house: a sliding screen, half open, with light behind it. Decoration only.

import styles from "./Screen.module.css";

/** The screen. */
export function Screen() {
  return (
    <svg
      className={styles.scene}
      viewBox="0 0 1200 240"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <defs>
        <radialGradient id="lamp" cx="0.62" cy="0.55" r="0.62">
          <stop className={styles.lampHeart} offset="0" />
          <stop className={styles.lampEdge} offset="1" />
        </radialGradient>
        <linearGradient id="paper" x1="0" x2="1" y1="0" y2="0">
          <stop className={styles.paperFar} offset="0" />
          <stop className={styles.paperNear} offset="0.6" />
          <stop className={styles.paperFar} offset="1" />
        </linearGradient>
        <pattern id="lattice" width="75" height="60" patternUnits="userSpaceOnUse">
          <path className={styles.bars} d="M75 0H0V60" />
        </pattern>
      </defs>
      <rect className={styles.night} width="1200" height="240" />
      <rect fill="url(#lamp)" width="1200" height="240" />
      <circle className={styles.moon} cx="712" cy="104" r="44" />
      <path className={styles.hill} d="M520 240c70-70 150-104 232-98 90 6 130 60 248 98Z" />
      <path className={styles.hillNear} d="M470 240c90-42 170-52 250-34 60 14 120 34 190 34Z" />
      <g>
        <rect fill="url(#paper)" x="-20" width="560" height="240" />
        <rect fill="url(#lattice)" x="-20" width="560" height="240" />
        <rect className={styles.frame} x="532" width="14" height="240" />
        <rect className={styles.pull} x="536" y="104" width="6" height="34" rx="3" />
      </g>
      <g>
        <rect fill="url(#paper)" x="910" width="320" height="240" />
        <rect fill="url(#lattice)" x="910" width="320" height="240" />
        <rect className={styles.frame} x="904" width="14" height="240" />
        <rect className={styles.pull} x="908" y="104" width="6" height="34" rx="3" />
      </g>
      <rect className={styles.frame} width="1200" height="8" />
      <rect className={styles.frame} y="230" width="1200" height="10" />
    </svg>
  );
}
