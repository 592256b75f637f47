//! Share a screen: choose which, with or without sound, or learn why it cannot be.

import { useId, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { ScreenView, ShareQuality } from "../../../bridge/generated/bridge";
import { WithTip } from "../../../components/Button";
import { Segments, Toggle } from "../../../components/Field";
import { Icon } from "../../../components/Icon";
import { Picture } from "../../../components/Picture";
import { Bubble } from "../../../components/Sheet";
import { wordsOf } from "../../../i18n";
import { send, useSnapshot } from "../../../state/store";
import { missesWhenShared } from "../../shield/words";
import type { Controls } from "../useControls";
import { useStills } from "../useStills";
import { Face } from "./Toolbar";
import styles from "./Toolbar.module.css";

const QUALITIES: readonly ShareQuality[] = ["standard", "fine", "light"];

interface ShareButtonProps {
  share: Controls["share"];
  open: boolean;
  onOpen: (open: boolean) => void;
}

/** The button and what opens above it. */
export function ShareButton({ share, open, onOpen }: ShareButtonProps) {
  const { t } = useTranslation();
  const screensBlocked = useSnapshot((s) => s.devices.screens_blocked);
  const why = share.blocked ?? screensBlocked;
  if (share.on || share.starting) {
    return (
      <WithTip tip={t("common.shortcut", { label: t("meeting.stopShare"), keys: "S" })}>
        <AriaButton className={styles.tool ?? ""} data-look="loud" onPress={share.stop} aria-keyshortcuts="S">
          <Face icon="screen" label={t("meeting.stopShare")} />
        </AriaButton>
      </WithTip>
    );
  }
  const words = why ? wordsOf(why) : null;
  return (
    <Bubble
      title={words ? words.title : t("meeting.pickScreen")}
      placement="top"
      open={open}
      onOpenChange={(isOpen) => {
        if (isOpen && !why) void send("refresh_devices", {});
        onOpen(isOpen);
      }}
      trigger={
        <AriaButton
          className={styles.tool ?? ""}
          data-look="plain"
          data-blocked={words !== null || undefined}
          aria-keyshortcuts="S"
          {...(words ? { "aria-label": `${t("meeting.share")}. ${words.title}` } : {})}
        >
          <Face icon="screen" label={t("meeting.share")} />
        </AriaButton>
      }
    >
      {(close) =>
        words ? (
          <p>{words.hint}</p>
        ) : (
          <ScreenList
            onChoose={(screen, sound) => {
              close();
              onOpen(false);
              share.start(screen, sound);
            }}
          />
        )
      }
    </Bubble>
  );
}

function ScreenList({ onChoose }: { onChoose: (screen: string, sound: boolean) => void }) {
  const { t } = useTranslation();
  const screens = useSnapshot((s) => s.devices.screens);
  const desktop = screens.find((screen) => screen.kind === "portal");
  const windows = screens.filter((screen) => screen.kind === "window");
  const canSound = useSnapshot((s) => s.devices.system_sound);
  const shield = useSnapshot((s) => s.shield);
  // As it was the last time.
  const [sound, setSound] = useState(useSnapshot((s) => s.settings.share_sound));
  const quality = useSnapshot((s) => s.settings.share_quality);
  // Before the person chose, a desktop that asks shows nothing.
  useStills(screens.filter((screen) => screen !== desktop).map((screen) => screen.id));
  return (
    <>
      <p>{t("meeting.pickScreenLead")}</p>
      {missesWhenShared(shield) && <p>{t("meeting.pickScreenShield")}</p>}
      {screens.length === 0 && <p>{t("meeting.noScreens")}</p>}
      <Toggle
        label={t("meeting.shareSound")}
        hint={canSound ? t("meeting.shareSoundLead") : t("meeting.shareSoundUnsupported")}
        on={canSound && sound}
        onChange={setSound}
        disabled={!canSound}
      />
      <Segments
        label={t("meeting.shareQuality")}
        hint={t(`meeting.shareQualityHint.${quality}`)}
        options={QUALITIES.map((id) => ({ id, label: t(`meeting.shareQualityOf.${id}`) }))}
        value={quality}
        onChange={(id) => {
          const chosen = QUALITIES.find((quality) => quality === id);
          if (chosen) void send("change_settings", { share_quality: chosen });
        }}
      />
      {desktop && <AskDesktop onPress={() => onChoose(desktop.id, canSound && sound)} />}
      <Choices
        title={t("meeting.monitors")}
        screens={screens.filter((screen) => screen.kind === "monitor")}
        onChoose={(screen) => onChoose(screen, canSound && sound)}
      />
      {windows.length > 0 && (
        <Choices
          title={t("meeting.windows")}
          lead={t("meeting.windowsLead")}
          screens={windows}
          onChoose={(screen) => onChoose(screen, canSound && sound)}
        />
      )}
    </>
  );
}

/** Under Wayland the desktop asks what to share, in a dialog of its own. */
function AskDesktop({ onPress }: { onPress: () => void }) {
  const { t } = useTranslation();
  const lead = useId();
  return (
    <AriaButton className={styles.screen ?? ""} data-asks onPress={onPress} aria-describedby={lead}>
      <span className={styles.askSign} aria-hidden="true">
        <Icon name="screen" size={26} />
      </span>
      <span className={styles.screenWords}>
        <span className={styles.screenName}>{t("meeting.askDesktop")}</span>
        <span className={styles.screenSize} id={lead}>
          {t("meeting.askDesktopLead")}
        </span>
      </span>
    </AriaButton>
  );
}

interface ChoicesProps {
  title: string;
  lead?: string;
  screens: ScreenView[];
  onChoose: (screen: string) => void;
}

function Choices({ title, lead, screens, onChoose }: ChoicesProps) {
  const { t } = useTranslation();
  const heading = useId();
  if (screens.length === 0) return null;
  return (
    <section aria-labelledby={heading}>
      <h3 id={heading} className={styles.screensTitle}>
        {title}
      </h3>
      {lead && <p>{lead}</p>}
      <ul className={styles.screens}>
        {screens.map((screen) => (
          <li key={screen.id}>
            <AriaButton className={styles.screen ?? ""} onPress={() => onChoose(screen.id)}>
              <span className={styles.still} aria-hidden="true">
                <Icon name={screen.kind === "window" ? "window" : "monitor"} size={26} />
                <Picture track={`still:${screen.id}`} fit="contain" label="" />
              </span>
              <span className={styles.screenWords}>
                <span className={styles.screenName}>{screen.name}</span>
                <span className={styles.screenSize}>
                  {t("meeting.pixels", { width: screen.width, height: screen.height })}
                </span>
              </span>
              {screen.is_primary && <span className={styles.primary}>{t("meeting.primary")}</span>}
            </AriaButton>
          </li>
        ))}
      </ul>
    </section>
  );
}
