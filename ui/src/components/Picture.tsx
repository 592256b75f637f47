//! The picture of a track: borrows its canvas from the bridge.

import { useEffect, useRef } from "react";
import { mountPicture } from "../state/store";
import styles from "./Picture.module.css";

interface PictureProps {
  track: string;
  /** Left and right swapped, as in a mirror. */
  mirrored?: boolean;
  /** The whole picture, or the whole place; `fill` where the place has the picture's shape. */
  fit: "contain" | "cover" | "fill";
  label: string;
}

/** A moving picture. */
export function Picture({ track, mirrored = false, fit, label }: PictureProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => (place.current ? mountPicture(track, place.current) : undefined), [track]);
  return (
    <div
      ref={place}
      className={styles.place}
      role="img"
      aria-label={label}
      data-mirrored={mirrored || undefined}
      data-fit={fit}
    />
  );
}
