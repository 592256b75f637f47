//! What everyone sees drawn over pictures in this meeting; the owner chooses.

import { useTranslation } from "react-i18next";
import type { MeetingView, Watermark } from "../../bridge/generated/bridge";
import { Choice } from "../../components/Field";
import { send } from "../../state/store";
import styles from "./WatermarkChoice.module.css";

const KINDS: readonly Watermark[] = ["none", "visible", "invisible", "both"];

/** The choice, or what was chosen. */
export function WatermarkChoice({ meeting }: { meeting: MeetingView }) {
  const { t } = useTranslation();
  const { is, editable } = meeting.watermark;
  const choose = (id: string): void => {
    const watermark = KINDS.find((kind) => kind === id);
    if (watermark) void send("set_watermark", { watermark });
  };
  return (
    <section className={styles.section} aria-labelledby="watermark-title">
      <h3 id="watermark-title">{t("watermark.title")}</h3>
      <p className={styles.lead}>{t("watermark.lead")}</p>
      {editable ? (
        <Choice
          label={t("watermark.choice")}
          options={KINDS.map((id) => ({ id, label: t(`watermark.${id}`) }))}
          value={is}
          onChange={choose}
        />
      ) : (
        <p>{t(`watermark.${is}`)}</p>
      )}
      {is !== "none" && <p className={styles.lead}>{t("watermark.told")}</p>}
    </section>
  );
}
