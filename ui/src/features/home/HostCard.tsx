//! Host a meeting on this computer: at once, or after a look at camera and microphone.

import type { FormEvent } from "react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { TextInput } from "../../components/Field";
import type { Plan } from "../prejoin/plan";
import styles from "./Home.module.css";
import { lineProblem } from "./line";
import { NameField } from "./NameField";
import type { Person } from "./person";
import { useMeetingName } from "./person";

interface HostCardProps {
  person: Person;
  onPlan: (plan: Plan) => void;
  onStart: (plan: Plan) => void;
}

/** The card. */
export function HostCard({ person, onPlan, onStart }: HostCardProps) {
  const { t } = useTranslation();
  const [title, setTitle] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const suggested = useMeetingName(person);
  const shown = title ?? suggested;
  const problem = lineProblem(shown);

  const go = (way: (plan: Plan) => void): void => {
    setTried(true);
    if (problem || lineProblem(person.name)) return;
    way({ kind: "host", title: shown.trim(), name: person.name.trim() });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    go(onStart);
  };

  return (
    <form className={styles.card} onSubmit={submit} noValidate aria-labelledby="host-title">
      <div>
        <h2 id="host-title">{t("home.hostTitle")}</h2>
        <p className={styles.lead}>{t("home.hostLead")}</p>
      </div>
      {person.ask && <NameField person={person} tried={tried} />}
      <TextInput
        label={t("home.meetingName")}
        value={shown}
        onChange={setTitle}
        placeholder={t("home.meetingNamePlaceholder")}
        maxLength={96}
        problem={tried && problem ? t(problem === "empty" ? "home.titleMissing" : "home.tooLong") : undefined}
      />
      <div className={styles.cardEnd}>
        <Button type="submit" look="primary" size="l" wide aria-describedby="host-now-hint">
          {t("home.hostNow")}
        </Button>
        <p id="host-now-hint" className={styles.endHint}>
          {t("home.hostNowHint")}
        </p>
        <Button wide icon="camera" onPress={() => go(onPlan)}>
          {t("home.hostPrepare")}
        </Button>
      </div>
    </form>
  );
}
