//! Who came in with microphone and camera closed is told so, once, with the way to open them. Gone with the first of them.

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { Button, IconButton } from "../../../components/Button";
import { Icon } from "../../../components/Icon";
import styles from "../Meeting.module.css";
import type { Controls } from "../useControls";

/** The strip above the toolbar. */
export function QuietStart({ meeting, controls }: { meeting: MeetingView; controls: Controls }) {
  const { t } = useTranslation();
  const camera = meeting.camera.is === "off";
  const quiet = meeting.microphone.is === "off" && (camera || meeting.camera.is === "blocked");
  const [wanted, setWanted] = useState(quiet);
  // Whoever turns one on and off again knows how.
  if (wanted && !quiet) setWanted(false);
  if (!wanted || !quiet) return null;
  return (
    <section className={styles.quiet} aria-labelledby="quiet-title">
      <Icon name="micOff" size={20} />
      <div className={styles.quietWords}>
        <p id="quiet-title" className={styles.bannerTitle}>
          {camera ? t("meeting.quiet") : t("meeting.quietMicrophone")}
        </p>
        <p>{t("meeting.quietLead")}</p>
      </div>
      <div className={styles.quietDo}>
        <Button look="primary" icon="mic" onPress={controls.microphone.toggle}>
          {t("prejoin.microphoneOn")}
        </Button>
        {camera && (
          <Button icon="camera" onPress={controls.camera.toggle}>
            {t("prejoin.cameraOn")}
          </Button>
        )}
        <IconButton icon="close" size="s" label={t("meeting.quietDismiss")} onPress={() => setWanted(false)} />
      </div>
    </section>
  );
}
