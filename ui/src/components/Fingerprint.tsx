//! A host's key in the groups in which it is read out loud.

import styles from "./Fingerprint.module.css";

/** The groups. */
export function Fingerprint({ value }: { value: string }) {
  return (
    <span className={styles.groups} data-testid="fingerprint">
      {groupsOf(value).map(({ key, group }) => (
        <span key={key} className={styles.group}>
          {group}
        </span>
      ))}
    </span>
  );
}

function groupsOf(value: string): { key: string; group: string }[] {
  return value
    .split(" ")
    .filter(Boolean)
    .map((group, at) => ({ key: `${at}-${group}`, group }));
}
