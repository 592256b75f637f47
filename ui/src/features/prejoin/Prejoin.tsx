//! The preparations: see and hear oneself, choose devices, then join. Nothing leaves the machine before that.

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../components/Button";
import { Note, Problem } from "../../components/Problem";
import { useSnapshot } from "../../state/store";
import { BlurSwitch } from "../settings/BlurSwitch";
import { DevicePicker } from "../settings/DevicePicker";
import { JoinSteps } from "./JoinSteps";
import styles from "./Prejoin.module.css";
import { Preview } from "./Preview";
import type { Plan } from "./plan";
import { startsHost, titleOf } from "./plan";
import { MicrophoneCheck, Rehearsal, SpeakerTest } from "./SoundCheck";
import { useJoin } from "./useJoin";
import { usePreview } from "./usePreview";

interface PrejoinProps {
  plan: Plan;
  onBack: () => void;
  openSettings: () => void;
}

/** The screen before a meeting. */
export function Prejoin({ plan, onBack, openSettings }: PrejoinProps) {
  const { t } = useTranslation();
  const join = useJoin();
  const [microphone, setMicrophone] = useState(true);
  const [camera, setCamera] = useState(true);
  usePreview(microphone, camera, !join.busy);
  const problems = useSnapshot((s) => s.devices);

  return (
    <main className={styles.screen}>
      <header className={styles.head}>
        <IconButton icon="back" label={t("common.back")} onPress={onBack} isDisabled={join.busy} />
        <div className={styles.heading}>
          <h1 className={styles.title}>{titleOf(plan, t)}</h1>
          <p className={styles.lead}>{t("prejoin.lead")}</p>
        </div>
        <IconButton icon="settings" label={t("common.settings")} onPress={openSettings} />
      </header>

      <div className={styles.columns}>
        <Preview
          microphone={microphone}
          camera={camera}
          onMicrophone={setMicrophone}
          onCamera={setCamera}
          disabled={join.busy}
        />
        <section className={styles.side} aria-label={t("prejoin.title")}>
          {join.busy ? (
            <JoinSteps hosting={startsHost(plan)} />
          ) : (
            <>
              <DevicePicker kind="microphone" />
              {microphone && problems.microphone_problem ? (
                <Problem code={problems.microphone_problem} device="microphone" look="warning" />
              ) : (
                <MicrophoneCheck on={microphone} />
              )}
              <Rehearsal />
              <div className={styles.pair}>
                <DevicePicker kind="speaker" />
                <SpeakerTest />
              </div>
              <DevicePicker kind="camera" />
              <BlurSwitch />
              {camera && problems.camera_problem && (
                <Problem code={problems.camera_problem} device="camera" look="warning" />
              )}
            </>
          )}
          <div className={styles.end}>
            {join.failure && <Problem code={join.failure.code} />}
            {join.busy ? (
              <Button size="l" wide onPress={join.giveUp}>
                {t("prejoin.giveUp")}
              </Button>
            ) : (
              <>
                {!microphone && !camera && <Note look="info" title={t("prejoin.withoutBoth")} />}
                <Button look="primary" size="l" wide autoFocus onPress={() => join.start(plan, microphone, camera)}>
                  {join.failure ? t("common.retry") : startsHost(plan) ? t("prejoin.open") : t("prejoin.join")}
                </Button>
              </>
            )}
          </div>
        </section>
      </div>
    </main>
  );
}
