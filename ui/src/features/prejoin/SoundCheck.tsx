//! Is the microphone heard, does the speaker sound?

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { LevelBar } from "../../components/LevelBar";
import { send } from "../../state/store";
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
