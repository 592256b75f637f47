//! The window of a shared screen: the screen, its tools, and the way back. Rust closes it when the share ends.

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { Icon } from "../../components/Icon";
import { apartScreen } from "../../state/selectors";
import { send, useSnapshot } from "../../state/store";
import stage from "./parts/Stage.module.css";
import { StageView } from "./parts/StageView";
import styles from "./StageWindow.module.css";

/** The whole window. */
export function StageWindow() {
  const { t } = useTranslation();
  const meeting = useSnapshot((s) => s.meeting);
  const screen = meeting ? apartScreen(meeting) : undefined;
  const label = screen ? t("meeting.screenOf", { name: screen.person.name }) : t("stage.over");
  useEffect(() => {
    document.title = label;
  }, [label]);
  if (!meeting || !screen) {
    return (
      <main className={styles.window}>
        <p role="status" className={stage.words}>
          {label}
        </p>
      </main>
    );
  }
  const name = (
    <p className={stage.screenName}>
      <Icon name="monitor" size={16} />
      <span>{label}</span>
    </p>
  );
  return (
    <main className={styles.window} aria-label={t("meeting.stage")}>
      <StageView
        key={meeting.apart}
        meeting={meeting}
        screen={screen}
        label={label}
        start={name}
        end={
          <Button look="quiet" icon="back" onPress={() => void send("close_stage", {})}>
            {t("stage.back")}
          </Button>
        }
      />
    </main>
  );
}
