//! Host a meeting on this computer.

import type { FormEvent } from "react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { TextInput } from "../../components/Field";
import type { Plan } from "../prejoin/plan";
import type { Person } from "./Home";
import styles from "./Home.module.css";
import { lineProblem } from "./line";
import { NameField } from "./NameField";

/** The card. */
export function HostCard({ person, onPlan }: { person: Person; onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const [title, setTitle] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const suggested = person.ask ? "" : t("home.meetingNameDefault", { name: person.name });
  const shown = title ?? suggested;
  const problem = lineProblem(shown);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problem || lineProblem(person.name)) return;
    onPlan({ kind: "host", title: shown.trim(), name: person.name.trim() });
  };

  return (
    <form className={styles.card} onSubmit={submit} noValidate aria-labelledby="host-title">
      <div>
        <h2 id="host-title">{t("home.hostTitle")}</h2>
        <p className={styles.lead}>{t("home.hostLead")}</p>
      </div>
      <TextInput
        label={t("home.meetingName")}
        value={shown}
        onChange={setTitle}
        placeholder={t("home.meetingNamePlaceholder")}
        maxLength={96}
        problem={tried && problem ? t(problem === "empty" ? "home.titleMissing" : "home.tooLong") : undefined}
      />
      {person.ask && <NameField person={person} tried={tried} />}
      <div className={styles.cardEnd}>
        <Button type="submit" look="primary" size="l" wide>
          {t("home.hostNext")}
        </Button>
      </div>
    </form>
  );
}
