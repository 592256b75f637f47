//! Asks for the name, the first time.

import { useTranslation } from "react-i18next";
import { TextInput } from "../../components/Field";
import { lineProblem } from "./line";
import type { Person } from "./person";

/** The field. */
export function NameField({ person, tried }: { person: Person; tried: boolean }) {
  const { t } = useTranslation();
  const problem = lineProblem(person.name);
  return (
    <TextInput
      label={t("home.yourName")}
      value={person.name}
      onChange={person.onName}
      placeholder={t("home.yourNamePlaceholder")}
      hint={t("home.yourNameHint")}
      maxLength={96}
      problem={tried && problem ? t(problem === "empty" ? "home.nameMissing" : "home.tooLong") : undefined}
    />
  );
}
