//! Who is asking: the name that was set, else what the system calls this person, else a polite word that is easy to change.

import { useState } from "react";
import { useTranslation } from "react-i18next";
import en from "../../i18n/en.json";
import ja from "../../i18n/ja.json";
import { useSnapshot } from "../../state/store";
import { lineProblem } from "./line";

/** Who is asking, for the cards. */
export interface Person {
  name: string;
  /** Nobody has confirmed the name yet: show it where it can be changed. */
  ask: boolean;
  /** The name says nothing about who this is. */
  nobody: boolean;
  onName: (name: string) => void;
}

// One started meeting keeps the word; it must not become a name by that.
const NOBODY: readonly string[] = [ja.home.nobody, en.home.nobody];

/** The person at this computer. */
export function usePerson(): Person {
  const { t } = useTranslation();
  const saved = useSnapshot((s) => s.settings.name);
  const proposed = useSnapshot((s) => s.about.person);
  const [typed, setTyped] = useState<string | null>(null);
  const known = saved !== null && !NOBODY.includes(saved);
  const name = known ? saved : (typed ?? proposed ?? t("home.nobody"));
  return { name, ask: !known, nobody: name.trim() === "" || NOBODY.includes(name.trim()), onName: setTyped };
}

/** What a meeting of this person is called until they say otherwise. */
export function useMeetingName(person: Person): string {
  const { t } = useTranslation();
  const named = t("home.meetingNameDefault", { name: person.name.trim() });
  return person.nobody || lineProblem(named) !== null ? t("home.meetingNameNobody") : named;
}
