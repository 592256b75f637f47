//! Notices in the corner: what Rust wants told, and commands that did not work. Read out as they come.

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import type { CaptureView, Code, DeviceKind, Severity } from "../bridge/generated/bridge";
import { IconButton } from "../components/Button";
import { Icon } from "../components/Icon";
import { captureWords } from "../features/shield/capture";
import { wordsOf } from "../i18n";
import { face, forgetFailure, send, useSnapshot } from "../state/store";
import styles from "./Notices.module.css";

// Time to read two short lines; warnings stay until they are put away.
const NEWS_STAYS = 7_000;
const FAILURE_STAYS = 12_000;

/** The corner. */
export function Notices() {
  const { t } = useTranslation();
  const notices = useSnapshot((s) => s.notices);
  const failures = useStore(face, (state) => state.failures);
  return (
    <section className={styles.corner} aria-label={t("common.notices")}>
      <ul className={styles.list} aria-live="polite" aria-relevant="additions">
        {/* The newest on top: in a low window the others are scrolled to. */}
        {failures.toReversed().map((failure) => (
          <Card
            key={`f${failure.id}`}
            code={failure.code}
            about={null}
            device={null}
            capture={null}
            severity="error"
            stays={FAILURE_STAYS}
            onDismiss={() => forgetFailure(failure.id)}
          />
        ))}
        {notices
          .slice(-4)
          .toReversed()
          .map((notice) => (
            <Card
              key={`n${notice.id}`}
              code={notice.code}
              about={notice.about}
              device={notice.device}
              capture={notice.capture}
              severity={notice.severity}
              stays={notice.severity === "info" ? NEWS_STAYS : null}
              onDismiss={() => void send("dismiss_notice", { id: notice.id })}
            />
          ))}
      </ul>
    </section>
  );
}

interface CardProps {
  code: Code;
  about: string | null;
  device: DeviceKind | null;
  capture: CaptureView | null;
  severity: Severity;
  /** Milliseconds; `null`: until put away. */
  stays: number | null;
  onDismiss: () => void;
}

function Card({ code, about, device, capture, severity, stays, onDismiss }: CardProps) {
  const { t } = useTranslation();
  const words = capture ? captureWords(capture) : wordsOf(code, about, device);
  const card = useGoesAway(stays, onDismiss);
  return (
    <li ref={card} className={styles.card} data-severity={severity}>
      <Icon name={severity === "info" ? "info" : "alert"} />
      <div className={styles.words}>
        <p className={styles.title}>{words.title}</p>
        <p>{words.hint}</p>
      </div>
      <IconButton icon="close" size="s" label={t("common.dismiss")} onPress={onDismiss} />
    </li>
  );
}

// Goes away by itself, but never under the pointer or the focus.
function useGoesAway(stays: number | null, onDismiss: () => void) {
  const card = useRef<HTMLLIElement>(null);
  const dismiss = useRef(onDismiss);
  dismiss.current = onDismiss;
  useEffect(() => {
    if (stays === null) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      timer = setTimeout(() => {
        if (card.current?.matches(":hover, :focus-within")) wait();
        else dismiss.current();
      }, stays);
    };
    wait();
    return () => clearTimeout(timer);
  }, [stays]);
  return card;
}
