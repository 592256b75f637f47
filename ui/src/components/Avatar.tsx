//! A person without a picture: initials on a colour that is theirs on every machine.

import { hueOf, initials } from "../state/selectors";
import styles from "./Avatar.module.css";

/** Initials in a circle. */
export function Avatar({ user, name, size = "m" }: { user: string; name: string; size?: "s" | "m" }) {
  return (
    <span className={styles.avatar} data-size={size} data-hue={hueOf(user)} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
