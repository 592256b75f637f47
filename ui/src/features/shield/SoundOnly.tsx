//! Tells a person who is sent no pictures why, and what would help.

import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../bridge/generated/bridge";
import { Icon } from "../../components/Icon";
import { useSnapshot } from "../../state/store";
import styles from "./Shield.module.css";
import { effective, helpFor, LEVELS } from "./words";

/** The banner; nothing while pictures come. */
export function SoundOnly({ meeting }: { meeting: MeetingView }) {
  const { t } = useTranslation();
  const own = useSnapshot((s) => s.shield);
  const os = useSnapshot((s) => s.about.os);
  const demand = meeting.shield;
  if (!demand || demand.pictures) return <div role="status" />;
  const have = effective(own);
  // Protected enough, and the host has not said so yet.
  const waits = LEVELS.indexOf(have) >= LEVELS.indexOf(demand.needed);
  return (
    <div role="status">
      <div className={styles.banner}>
        <Icon name="shieldOff" size={22} />
        <div>
          <p className={styles.title}>{t("shield.soundOnly")}</p>
          {waits ? (
            <p>{t("shield.soundOnlyWaits")}</p>
          ) : (
            <>
              <p>
                {t("shield.soundOnlyWhy", { needed: t(`shield.${demand.needed}`), have: t(`shield.${have}`) })}{" "}
                {t(`shield.help.${helpFor(own, demand.needed, os)}`)}
              </p>
              <p>{t("shield.soundOnlyAsk")}</p>
            </>
          )}
        </div>
      </div>
    </div>
  );
}
