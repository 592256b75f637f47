//! A shared screen, large, with everyone in a strip beside it.

import { useState } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { Button } from "../../../components/Button";
import { Icon } from "../../../components/Icon";
import type { SharedScreen } from "../../../state/selectors";
import { send } from "../../../state/store";
import styles from "./Stage.module.css";
import { StageView } from "./StageView";
import { Tile } from "./Tile";

interface StageProps {
  meeting: MeetingView;
  /** At least one. */
  shared: readonly SharedScreen[];
  onStop: () => void;
}

/** The stage and the strip. */
export function Stage({ meeting, shared, onStop }: StageProps) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<string | null>(null);
  const screen = shared.find((s) => s.person.user === chosen) ?? shared[0];
  if (!screen) return null;
  const nameOf = (s: SharedScreen): string =>
    s.person.is_me ? t("meeting.myScreen") : t("meeting.screenOf", { name: s.person.name });
  const name =
    shared.length > 1 ? (
      <ToggleButtonGroup
        className={styles.screens ?? ""}
        aria-label={t("meeting.screens")}
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[screen.person.user]}
        onSelectionChange={(keys) => setChosen(String([...keys][0] ?? ""))}
      >
        {shared.map((s) => (
          <ToggleButton key={s.person.user} id={s.person.user} className={styles.screenTab ?? ""}>
            {nameOf(s)}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
    ) : (
      <p className={styles.screenName}>
        <Icon name="monitor" size={16} />
        <span>{nameOf(screen)}</span>
        {screen.person.is_me && meeting.share_sound.is === "on" && (
          <span className={styles.withSound}>{t("meeting.withSound")}</span>
        )}
      </p>
    );
  const stop = screen.person.is_me && (
    <Button look="danger" onPress={onStop}>
      {t("meeting.stopShare")}
    </Button>
  );
  return (
    <div className={styles.withStage}>
      <section className={styles.stage} aria-label={t("meeting.stage")}>
        <StageView
          key={`${screen.person.user} ${screen.track}`}
          meeting={meeting}
          screen={screen}
          label={nameOf(screen)}
          start={name}
          end={stop}
          {...(screen.person.is_me ? {} : { onPopOut: (track: string) => void send("open_stage", { track }) })}
        />
      </section>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must be able to scroll it */}
      <ul className={styles.strip} aria-label={t("meeting.tiles")} tabIndex={0}>
        {meeting.people.map((person) => (
          <Tile key={person.user} person={person} meeting={meeting} />
        ))}
      </ul>
    </div>
  );
}
