//! The meeting: marks on top, pictures in the middle, the toolbar below, a panel at the side.

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../bridge/generated/bridge";
import { runsMeeting, sharedScreens } from "../../state/selectors";
import { useSnapshot } from "../../state/store";
import { Invite } from "../invite/Invite";
import { SoundOnly } from "../shield/SoundOnly";
import styles from "./Meeting.module.css";
import { ApartNote } from "./parts/ApartNote";
import { Gallery } from "./parts/Gallery";
import type { PanelTab } from "./parts/Panel";
import { Panel } from "./parts/Panel";
import { QuietStart } from "./parts/QuietStart";
import { Reconnecting } from "./parts/Reconnecting";
import { Stage } from "./parts/Stage";
import { Toolbar } from "./parts/Toolbar";
import { TopBar } from "./parts/TopBar";
import { useComings } from "./useComings";
import { useControls } from "./useControls";
import { useHoldToTalk } from "./useHoldToTalk";
import { useShortcuts } from "./useShortcuts";

/** The screen of a meeting; drawn only while there is one. */
export function Meeting({ openSettings }: { openSettings: () => void }) {
  const meeting = useSnapshot((s) => s.meeting);
  return meeting ? <Room meeting={meeting} openSettings={openSettings} /> : null;
}

function Room({ meeting, openSettings }: { meeting: MeetingView; openSettings: () => void }) {
  const { t } = useTranslation();
  const [panel, setPanel] = useState<PanelTab | null>(null);
  const [inviting, setInviting] = useState(false);
  const [picking, setPicking] = useState(false);
  const controls = useControls(meeting);
  const heard = useComings(meeting.people);
  const shared = sharedScreens(meeting);
  const canInvite = runsMeeting(meeting);

  const invite = (): void => {
    if (canInvite) setInviting(true);
  };
  const togglePanel = (tab: PanelTab): void => setPanel((was) => (was === tab ? null : tab));

  useShortcuts({
    m: controls.microphone.toggle,
    v: controls.camera.toggle,
    g: controls.megaphone.toggle,
    s: () => (controls.share.on ? controls.share.stop() : controls.share.blocked ? undefined : setPicking(true)),
    p: () => togglePanel("people"),
    i: invite,
    escape: () => setPanel(null),
    "ctrl+d": controls.microphone.toggle,
    "ctrl+e": controls.camera.toggle,
  });

  useHoldToTalk();

  return (
    <div className={styles.room} data-panel={panel !== null || undefined}>
      <TopBar meeting={meeting} openSettings={openSettings} />
      <div className={styles.banners}>
        <Reconnecting />
        <SoundOnly meeting={meeting} />
        <ApartNote meeting={meeting} />
      </div>
      <main className={styles.middle} aria-label={t("meeting.tiles")}>
        {shared.length > 0 ? (
          <Stage meeting={meeting} shared={shared} onStop={controls.share.stop} />
        ) : (
          <Gallery meeting={meeting} onInvite={canInvite ? invite : null} />
        )}
      </main>
      {panel !== null && <Panel meeting={meeting} tab={panel} onTab={setPanel} onClose={() => setPanel(null)} />}
      <QuietStart meeting={meeting} controls={controls} />
      <Toolbar
        meeting={meeting}
        controls={controls}
        panel={panel}
        onPanel={togglePanel}
        onInvite={canInvite ? invite : null}
        picking={picking}
        onPicking={setPicking}
      />
      <p className="only-spoken" role="status">
        {heard}
      </p>
      <Invite open={inviting} onClose={() => setInviting(false)} />
    </div>
  );
}
