//! Says that a shared screen is in a window of its own, and brings it back.

import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { Button } from "../../../components/Button";
import { Icon } from "../../../components/Icon";
import { apartScreen } from "../../../state/selectors";
import { send } from "../../../state/store";
import styles from "./Stage.module.css";

/** The line; nothing while every screen is here. */
export function ApartNote({ meeting }: { meeting: MeetingView }) {
  const { t } = useTranslation();
  const screen = apartScreen(meeting);
  return (
    <div role="status">
      {screen && (
        <div className={styles.note}>
          <Icon name="popOut" size={18} />
          <p>{t("stage.isApart", { name: screen.person.name })}</p>
          <Button look="quiet" onPress={() => void send("close_stage", {})}>
            {t("stage.back")}
          </Button>
        </div>
      )}
    </div>
  );
}
