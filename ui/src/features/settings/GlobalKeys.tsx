//! System-wide shortcuts: chosen by pressing them, checked by Rust and by the system, cleared with a button.

import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "../../bridge/call";
import { failureOf } from "../../bridge/door";
import type { Code, ShortcutUse, ShortcutView } from "../../bridge/generated/bridge";
import { Button, IconButton } from "../../components/Button";
import { Toggle } from "../../components/Field";
import { wordsOf } from "../../i18n";
import { send, useSnapshot } from "../../state/store";
import styles from "./GlobalKeys.module.css";
import type { Pressed } from "./keys";
import { pressed, printed } from "./keys";

/** Both shortcuts, and what follows from having one. */
export function GlobalKeys() {
  const { t } = useTranslation();
  const shortcuts = useSnapshot((s) => s.shortcuts);
  const ready = useSnapshot((s) => s.settings.ready_to_talk);
  const sounds = useSnapshot((s) => s.settings.key_sounds);
  return (
    <>
      <p className={styles.lead}>{t("keys.lead")}</p>
      <KeyField what="mute" label={t("keys.mute")} view={shortcuts.mute} />
      <Toggle
        label={t("keys.sounds")}
        hint={t("keys.soundsHint")}
        on={sounds}
        onChange={(on) => void send("change_settings", { key_sounds: on })}
      />
      <KeyField what="talk" label={t("keys.talk")} view={shortcuts.talk} />
      {shortcuts.talk.keys !== null && (
        <Toggle
          label={t("keys.ready")}
          hint={t("keys.readyHint")}
          on={ready}
          onChange={(on) => void send("change_settings", { ready_to_talk: on })}
        />
      )}
    </>
  );
}

function KeyField({ what, label, view }: { what: ShortcutUse; label: string; view: ShortcutView }) {
  const { t } = useTranslation();
  const os = useSnapshot((s) => s.about.os);
  const [listening, setListening] = useState(false);
  const [held, setHeld] = useState("");
  const [problem, setProblem] = useState<Code | "unknown" | null>(null);
  const id = useId();

  const stop = (): void => {
    setListening(false);
    setHeld("");
  };
  const choose = async (keys: string | null): Promise<void> => {
    stop();
    try {
      await call("set_shortcut", { what, keys });
      setProblem(null);
    } catch (thrown) {
      setProblem(failureOf(thrown).code);
    }
  };
  const onKey = (event: KeyboardEvent): void => {
    const bare = !(event.ctrlKey || event.altKey || event.shiftKey || event.metaKey);
    // Out of the field by keyboard, as everywhere; what happens next is the page's.
    if (event.key === "Tab" && !(event.ctrlKey || event.altKey || event.metaKey)) {
      stop();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (bare && event.key === "Escape") stop();
    else if (bare && (event.key === "Backspace" || event.key === "Delete")) void choose(null);
    else take(pressed(event));
  };
  const take = (read: Pressed): void => {
    if (read.kind === "chosen") void choose(read.keys);
    else setHeld(read.kind === "waiting" ? read.held : "");
    if (read.kind === "unknown") setProblem("unknown");
  };
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    if (!listening) return;
    // Before the field's own button, and the dialog around it, see the keys.
    const catcher = (event: KeyboardEvent): void => latest.current(event);
    const swallow = (event: KeyboardEvent): void => event.stopImmediatePropagation();
    window.addEventListener("keydown", catcher, true);
    window.addEventListener("keyup", swallow, true);
    return () => {
      window.removeEventListener("keydown", catcher, true);
      window.removeEventListener("keyup", swallow, true);
    };
  }, [listening]);

  const refused = view.state.is === "refused" ? view.state.code : null;
  // While keys are awaited the field says how to press them, whatever became of the last ones.
  const wrong = problem ?? (listening || view.keys === null ? null : refused);
  const parts = printed(listening ? held : (view.keys ?? ""), os);
  const shown = parts.join(" + ");
  const words = listening
    ? parts.length > 0
      ? `${shown} + …`
      : t("keys.press")
    : parts.length > 0
      ? shown
      : t("keys.none");
  const said = (): string => {
    if (listening) return t("keys.listening");
    if (view.keys === null) return "";
    if (view.state.is !== "works") return t("keys.later");
    const desktop = view.state.desktop;
    return desktop === null ? t("keys.works") : t("keys.desktop", { keys: desktop });
  };
  return (
    <div className={styles.field}>
      <span id={`${id}-label`} className={styles.label}>
        {label}
      </span>
      <div className={styles.row}>
        <Button
          look={listening ? "primary" : "plain"}
          onPress={() => {
            setProblem(null);
            setListening(true);
          }}
          onBlur={stop}
          aria-labelledby={`${id}-label ${id}-value`}
          aria-describedby={`${id}-words`}
        >
          <span id={`${id}-value`} className={styles.value} data-empty={view.keys === null || undefined}>
            {words}
          </span>
        </Button>
        {view.keys !== null && (
          <IconButton
            icon="close"
            size="s"
            label={t("keys.clear", { what: label })}
            onPress={() => void choose(null)}
          />
        )}
      </div>
      <p id={`${id}-words`} className={styles.words} data-wrong={wrong !== null || undefined} role="status">
        {wrong === "unknown" ? (
          t("keys.unknown")
        ) : wrong ? (
          <>
            <span className={styles.title}>{wordsOf(wrong).title}</span>
            {wordsOf(wrong).hint}
          </>
        ) : (
          said()
        )}
      </p>
    </div>
  );
}
