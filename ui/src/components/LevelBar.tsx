//! How loud a microphone is, ten times a second, without drawing React again.

import { useEffect, useRef } from "react";
import { levelOf, levels } from "../state/store";
import styles from "./LevelBar.module.css";

/** A bar that follows a level; `who` null is this machine's microphone. */
export function LevelBar({ who, label }: { who: string | null; label: string }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const draw = (): void => {
      const level = levelOf(who);
      bar.current?.style.setProperty("--level", level.toFixed(3));
      bar.current?.setAttribute("aria-valuenow", String(Math.round(level * 100)));
    };
    draw();
    return levels.subscribe(draw);
  }, [who]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: engines draw <meter> each in their own way, in shadow parts CSS cannot reach
    <div
      ref={bar}
      className={styles.bar}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      <div className={styles.fill} />
    </div>
  );
}
