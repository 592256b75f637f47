//! Says what happens while the connection is lost. It comes back by itself; nobody has to do anything.

import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { useSnapshot } from "../../../state/store";
import styles from "../Meeting.module.css";

/** The banner; nothing while all is well. */
export function Reconnecting() {
  const { t } = useTranslation();
  const phase = useSnapshot((s) => s.phase);
  return (
    <div role="status">
      {phase.at === "reconnecting" && (
        <div className={styles.banner}>
          <Icon name="refresh" size={22} />
          <div>
            <p className={styles.bannerTitle}>
              {phase.tries > 1 ? t("meeting.reconnecting", { tries: phase.tries }) : t("meeting.reconnectingFirst")}
            </p>
            <p>
              {t(`meeting.why.${phase.why}`)} {t("meeting.devicesClosed")}
            </p>
          </div>
        </div>
      )}
    </div>
  );
}
