//! The own picture before a meeting, with the two switches on it.

import { ToggleButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { WithTip } from "../../components/Button";
import type { IconName } from "../../components/Icon";
import { Icon } from "../../components/Icon";
import { Picture } from "../../components/Picture";
import { usePictureSize, useSnapshot } from "../../state/store";
import styles from "./Prejoin.module.css";

interface PreviewProps {
  microphone: boolean;
  camera: boolean;
  onMicrophone: (on: boolean) => void;
  onCamera: (on: boolean) => void;
  disabled: boolean;
}

/** The picture and its switches. */
export function Preview({ microphone, camera, onMicrophone, onCamera, disabled }: PreviewProps) {
  const { t } = useTranslation();
  const track = useSnapshot((s) => s.devices.preview_track);
  const blocked = useSnapshot((s) => s.devices.camera_problem !== null);
  const mirrored = useSnapshot((s) => s.settings.mirror);
  const size = usePictureSize(track);
  const shown = camera && track !== null && !blocked;
  return (
    <section className={styles.preview} aria-label={t("prejoin.preview")}>
      {shown && <Picture track={track} mirrored={mirrored} fit="cover" label={t("prejoin.preview")} />}
      {!(shown && size) && (
        <p className={styles.noPicture}>
          <Icon name={camera && !blocked ? "camera" : "cameraOff"} size={36} />
          {camera && !blocked ? t("prejoin.cameraStarting") : t("prejoin.cameraOff")}
        </p>
      )}
      <div className={styles.switches}>
        <RoundSwitch
          on={microphone}
          onChange={onMicrophone}
          disabled={disabled}
          icons={["mic", "micOff"]}
          label={microphone ? t("prejoin.microphoneTurnOff") : t("prejoin.microphoneOn")}
        />
        <RoundSwitch
          on={camera}
          onChange={onCamera}
          disabled={disabled}
          icons={["camera", "cameraOff"]}
          label={camera ? t("prejoin.cameraTurnOff") : t("prejoin.cameraOn")}
        />
      </div>
    </section>
  );
}

interface RoundSwitchProps {
  on: boolean;
  onChange: (on: boolean) => void;
  disabled: boolean;
  icons: readonly [IconName, IconName];
  label: string;
}

function RoundSwitch({ on, onChange, disabled, icons, label }: RoundSwitchProps) {
  return (
    <WithTip tip={label}>
      <ToggleButton
        className={styles.round ?? ""}
        isSelected={on}
        onChange={onChange}
        isDisabled={disabled}
        aria-label={label}
      >
        <Icon name={on ? icons[0] : icons[1]} size={24} />
      </ToggleButton>
    </WithTip>
  );
}
