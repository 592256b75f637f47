//! Something that is wrong or worth knowing, in words, with what to do about it.

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Code, DeviceKind } from "../bridge/generated/bridge";
import { wordsOf } from "../i18n";
import { Icon } from "./Icon";
import styles from "./Problem.module.css";

interface NoteProps {
  look: "info" | "warning" | "error";
  title: string;
  children?: ReactNode;
  /** Read out when it appears. */
  spoken?: boolean;
}

/** A note on a coloured ground. */
export function Note({ look, title, children, spoken = false }: NoteProps) {
  return (
    <div className={styles.note} data-look={look} {...(spoken ? { role: look === "error" ? "alert" : "status" } : {})}>
      <Icon name={look === "info" ? "info" : "alert"} size={20} />
      <div className={styles.words}>
        <p className={styles.title}>{title}</p>
        {children}
      </div>
    </div>
  );
}

/** What a code means and what to do. */
export function Problem({
  code,
  about = null,
  device = null,
  look = "error",
}: {
  code: Code;
  about?: string | null;
  device?: DeviceKind | null;
  look?: NoteProps["look"];
}) {
  // Draws again when the language changes.
  useTranslation();
  const words = wordsOf(code, about, device);
  return (
    <Note look={look} title={words.title} spoken>
      <p className={styles.hint}>{words.hint}</p>
    </Note>
  );
}
