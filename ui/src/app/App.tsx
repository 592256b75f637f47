//! The whole page: which screen, which language, which colours; notices over everything; a wall around each screen, so that
//! one that breaks does not take the others with it.

import { useEffect, useState } from "react";
import { I18nProvider } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { Mark } from "../components/Icon";
import { Home } from "../features/home/Home";
import { Meeting } from "../features/meeting/Meeting";
import { StageWindow } from "../features/meeting/StageWindow";
import { Opening } from "../features/prejoin/Opening";
import { Prejoin } from "../features/prejoin/Prejoin";
import type { Plan } from "../features/prejoin/plan";
import { Settings } from "../features/settings/Settings";
import { inMeeting } from "../state/selectors";
import { face, useSnapshot } from "../state/store";
import styles from "./App.module.css";
import { ErrorWall } from "./ErrorWall";
import { Notices } from "./Notices";
import { useLook } from "./useLook";

/** The page. */
export function App({ isStage = false }: { isStage?: boolean }) {
  const ready = useStore(face, (state) => state.snapshot !== undefined);
  return <ErrorWall whole>{!ready ? <Starting /> : isStage ? <ReadyStage /> : <Ready />}</ErrorWall>;
}

/** Before the first snapshot. Only the keyring takes long then, when the system asks the person for its password. */
function Starting() {
  const { t } = useTranslation();
  const trouble = useStore(face, (state) => state.trouble);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 2000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main className={styles.starting}>
      <Mark size={56} />
      <p role="status">{trouble ? t("app.trouble") : t(late ? "app.waitingForKeyring" : "app.starting")}</p>
    </main>
  );
}

/** The window of a shared screen. */
function ReadyStage() {
  const language = useLook();
  return (
    <I18nProvider locale={language === "ja" ? "ja-JP" : "en-GB"}>
      <StageWindow />
    </I18nProvider>
  );
}

function Ready() {
  const language = useLook();
  const [settingsOpen, setSettingsOpen] = useState(false);
  const openSettings = (): void => setSettingsOpen(true);
  return (
    <I18nProvider locale={language === "ja" ? "ja-JP" : "en-GB"}>
      <Screens openSettings={openSettings} />
      <ErrorWall>
        <Settings open={settingsOpen} onClose={() => setSettingsOpen(false)} />
      </ErrorWall>
      <ErrorWall>
        <Notices />
      </ErrorWall>
    </I18nProvider>
  );
}

function Screens({ openSettings }: { openSettings: () => void }) {
  const { t } = useTranslation();
  const meeting = useSnapshot(inMeeting);
  const joining = useSnapshot((s) => s.phase.at === "joining");
  const title = useSnapshot((s) => s.meeting?.title);
  const [plan, setPlan] = useState<Plan | null>(null);
  // Asked for at once: no preparations.
  const [direct, setDirect] = useState(false);
  const go = (chosen: Plan | null, now: boolean): void => {
    setPlan(chosen);
    setDirect(now);
  };

  useEffect(() => {
    document.title = title ? `${title} – ${t("app.name")}` : t("app.name");
  }, [title, t]);

  // After a meeting the way leads home, not back to the preparations for it.
  useEffect(() => {
    if (meeting) setPlan(null);
  }, [meeting]);

  if (meeting) {
    return (
      <ErrorWall key="meeting">
        <Meeting openSettings={openSettings} />
      </ErrorWall>
    );
  }
  if (plan && !direct) {
    return (
      <ErrorWall key="prejoin">
        <Prejoin plan={plan} onBack={() => go(null, false)} openSettings={openSettings} />
      </ErrorWall>
    );
  }
  if (plan || joining) {
    return (
      <ErrorWall key="opening">
        <Opening plan={plan} onBack={() => go(null, false)} onPrepare={() => go(plan, false)} />
      </ErrorWall>
    );
  }
  return (
    <ErrorWall key="home">
      <Home onPlan={(chosen) => go(chosen, false)} onStart={(chosen) => go(chosen, true)} openSettings={openSettings} />
    </ErrorWall>
  );
}
