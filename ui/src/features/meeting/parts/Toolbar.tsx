//! The toolbar. A switch shows as on only when Rust says so; one that cannot be used says why.

import type { ReactNode } from "react";
import { Button as AriaButton, ToggleButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { WithTip } from "../../../components/Button";
import type { IconName } from "../../../components/Icon";
import { Icon } from "../../../components/Icon";
import { wordsOf } from "../../../i18n";
import type { Control, Controls } from "../useControls";
import { LeaveButton } from "./LeaveButton";
import type { PanelTab } from "./Panel";
import { ShareButton } from "./ShareButton";
import styles from "./Toolbar.module.css";

interface ToolbarProps {
  meeting: MeetingView;
  controls: Controls;
  panel: PanelTab | null;
  onPanel: (tab: PanelTab) => void;
  onInvite: (() => void) | null;
  picking: boolean;
  onPicking: (open: boolean) => void;
}

/** The toolbar. */
export function Toolbar({ meeting, controls, panel, onPanel, onInvite, picking, onPicking }: ToolbarProps) {
  const { t } = useTranslation();
  return (
    <footer className={styles.foot}>
      <div className={styles.bar} role="toolbar" aria-label={t("meeting.toolbar")}>
        <Tool control={controls.microphone} what={t("meeting.microphone")} keys="M" icons={["mic", "micOff"]} warnOff />
        <Tool control={controls.camera} what={t("meeting.camera")} keys="V" icons={["camera", "cameraOff"]} warnOff />
        <ShareButton share={controls.share} open={picking} onOpen={onPicking} />
        <Tool
          control={controls.megaphone}
          what={t("meeting.megaphone")}
          keys="G"
          icons={["megaphone", "megaphone"]}
          hint={t("meeting.megaphoneLead")}
          loud
        />
        <span className={styles.gap} />
        <WithTip tip={t("common.shortcut", { label: t("meeting.peopleButton"), keys: "P" })}>
          <ToggleButton
            className={styles.tool ?? ""}
            isSelected={panel !== null}
            onChange={() => onPanel(panel ?? "people")}
            data-look="plain"
          >
            <Face icon="people" label={t("meeting.peopleButton")} badge={meeting.people.length} />
          </ToggleButton>
        </WithTip>
        <WithTip
          tip={onInvite ? t("common.shortcut", { label: t("meeting.invite"), keys: "I" }) : t("meeting.inviteDenied")}
        >
          <AriaButton
            className={styles.tool ?? ""}
            onPress={() => onInvite?.()}
            data-look="plain"
            data-blocked={onInvite === null || undefined}
            {...(onInvite ? {} : { "aria-label": `${t("meeting.invite")}. ${t("meeting.inviteDenied")}` })}
          >
            <Face icon="invite" label={t("meeting.invite")} />
          </AriaButton>
        </WithTip>
        <LeaveButton />
      </div>
    </footer>
  );
}

interface ToolProps {
  control: Control;
  what: string;
  keys: string;
  icons: readonly [IconName, IconName];
  hint?: string;
  /** Off is drawn in vermilion: others may be waiting for it. */
  warnOff?: boolean;
  /** On is drawn in amber: the whole house hears it. */
  loud?: boolean;
}

function Tool({ control, what, keys, icons, hint, warnOff = false, loud = false }: ToolProps) {
  const { t } = useTranslation();
  const { on, starting, waiting, blocked } = control;
  const label = on ? t("meeting.turnOff", { what }) : t("meeting.turnOn", { what });
  const why = blocked ? wordsOf(blocked) : null;
  const tip = why ? `${why.title} ${why.hint}` : t("common.shortcut", { label, keys });
  const state = starting
    ? t("meeting.startingSwitch")
    : on
      ? t("meeting.on")
      : waiting
        ? t("meeting.waitingSwitch")
        : t("meeting.off");
  return (
    <WithTip tip={hint && !why ? `${tip} ${hint}` : waiting ? `${tip} ${t("meeting.waitingLead")}` : tip}>
      <ToggleButton
        className={styles.tool ?? ""}
        isSelected={on}
        onChange={control.toggle}
        aria-label={why ? `${what}. ${why.title} ${why.hint}` : `${what}: ${state}`}
        aria-keyshortcuts={keys}
        data-look={on ? (loud ? "loud" : "on") : warnOff ? "off" : "plain"}
        data-blocked={blocked !== null || undefined}
        data-starting={starting || undefined}
      >
        <Face icon={on ? icons[0] : icons[1]} label={what} alert={blocked !== null && blocked !== "not_allowed"} />
      </ToggleButton>
    </WithTip>
  );
}

/** Pictogram and word of a tool. */
export function Face({
  icon,
  label,
  badge,
  alert = false,
}: {
  icon: IconName;
  label: ReactNode;
  badge?: number;
  alert?: boolean;
}) {
  return (
    <>
      <span className={styles.face}>
        <Icon name={icon} size={22} />
        {badge !== undefined && <span className={styles.badge}>{badge}</span>}
        {alert && (
          <span className={styles.alert}>
            <Icon name="alert" size={12} />
          </span>
        )}
      </span>
      <span className={styles.word}>{label}</span>
    </>
  );
}
