//! Is the microphone heard, does the speaker sound, and how does one sound to others?

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { LevelBar } from "../../components/LevelBar";
import { send, useSnapshot } from "../../state/store";
import styles from "./Prejoin.module.css";

/** The level of the microphone. */
export function MicrophoneCheck({ on }: { on: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={styles.level}>
      {on && <LevelBar who={null} label={t("prejoin.level")} />}
      <p className={styles.hint}>{on ? t("prejoin.levelHint") : t("prejoin.levelOff")}</p>
    </div>
  );
}

/** Records a few seconds and plays them back. Nothing leaves the machine. */
export function Rehearsal() {
  const { t } = useTranslation();
  const rehearsal = useSnapshot((s) => s.devices.rehearsal);
  const inMeeting = useSnapshot((s) => s.phase.at !== "home");
  const missing = useSnapshot((s) => s.devices.microphones.length === 0);
  const busy = rehearsal.is === "recording" || rehearsal.is === "playing";
  const words =
    rehearsal.is === "done" ? t(`prejoin.rehearsed.${rehearsal.heard}`) : busy ? t("prejoin.rehearsalLocal") : null;
  if (inMeeting) return null;
  return (
    <div className={styles.level}>
      <Button icon="mic" look="quiet" isDisabled={busy || missing} onPress={() => void send("test_microphone", {})}>
        {rehearsal.is === "recording"
          ? t("prejoin.rehearsalRecording")
          : rehearsal.is === "playing"
            ? t("prejoin.rehearsalPlaying")
            : t("prejoin.rehearse")}
      </Button>
      <p className={styles.hint} role="status">
        {words}
      </p>
    </div>
  );
}

/** Plays a tone on the chosen speaker. */
export function SpeakerTest() {
  const { t } = useTranslation();
  const [playing, setPlaying] = useState(false);
  const play = async (): Promise<void> => {
    setPlaying(true);
    await send("test_speaker", {});
    setPlaying(false);
  };
  return (
    <Button icon="speaker" look="quiet" isDisabled={playing} onPress={() => void play()}>
      {playing ? t("prejoin.testing") : t("prejoin.testSpeaker")}
    </Button>
  );
}
