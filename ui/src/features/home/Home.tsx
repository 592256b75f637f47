//! The calm start: host a meeting here, join with an invitation, or go back to a recent one.

import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../components/Button";
import { Mark } from "../../components/Icon";
import { Note } from "../../components/Problem";
import { wordsOf } from "../../i18n";
import { send, useSnapshot } from "../../state/store";
import type { Plan } from "../prejoin/plan";
import styles from "./Home.module.css";
import { HostCard } from "./HostCard";
import { JoinCard } from "./JoinCard";
import { usePerson } from "./person";
import { Recents } from "./Recents";
import { Screen } from "./Screen";
import { ServerJoin } from "./ServerJoin";

interface HomeProps {
  /** Get ready for it. */
  onPlan: (plan: Plan) => void;
  /** Do it now. */
  onStart: (plan: Plan) => void;
  openSettings: () => void;
}

/** The first screen. */
export function Home({ onPlan, onStart, openSettings }: HomeProps) {
  const { t } = useTranslation();
  const saved = useSnapshot((s) => s.settings.name);
  const person = usePerson();
  // Asked inline the first time, kept from then on.
  const plan = (chosen: Plan): void => {
    if ("name" in chosen && chosen.name !== saved) void send("change_settings", { name: chosen.name });
    onPlan(chosen);
  };

  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <div className={styles.brand}>
          <Mark size={34} />
          <span className={styles.wordmark}>{t("app.name")}</span>
          <span className={styles.tagline}>{t("app.tagline")}</span>
        </div>
        <IconButton icon="settings" label={t("common.settings")} onPress={openSettings} />
      </header>
      <main className={styles.main}>
        <div className={styles.hero}>
          <Screen />
          <div className={styles.greeting}>
            <h1>{person.ask ? t("home.hello") : t("home.helloNamed", { name: person.name })}</h1>
            <p>{t("home.lead")}</p>
          </div>
        </div>
        <VaultNote />
        <HostingNote />
        <div className={styles.cards}>
          <HostCard person={person} onPlan={plan} onStart={onStart} />
          <JoinCard person={person} onPlan={plan} />
        </div>
        <Recents onPlan={plan} />
        <ServerJoin onPlan={plan} />
      </main>
    </div>
  );
}

function VaultNote() {
  const { t } = useTranslation();
  const vault = useSnapshot((s) => s.vault);
  if (vault.is === "keyring") return null;
  return (
    <Note look="warning" title={t("vault.memoryTitle")}>
      <p>{t("vault.memory")}</p>
      <p>{wordsOf(vault.code).hint}</p>
    </Note>
  );
}

function HostingNote() {
  const { t } = useTranslation();
  const hosting = useSnapshot((s) => s.hosting);
  if (!hosting) return null;
  return (
    <div className={styles.hosting}>
      <Note look="info" title={t("home.hosting")}>
        <p>{t("home.hostingLead", { title: hosting.title, count: hosting.people })}</p>
      </Note>
      <Button look="danger" onPress={() => void send("stop_hosting", {})}>
        {t("home.stopHosting")}
      </Button>
    </div>
  );
}
