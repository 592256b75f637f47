//! Who came and who left, in words for screen readers.

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PersonView } from "../../bridge/generated/bridge";

/** The last thing that happened. */
export function useComings(people: readonly PersonView[]): string {
  const { t } = useTranslation();
  const before = useRef(people);
  const [words, setWords] = useState("");
  useEffect(() => {
    const was = before.current;
    before.current = people;
    const news = [
      ...changes(was, people).map((name) => t("meeting.joined", { name })),
      ...changes(people, was).map((name) => t("meeting.left", { name })),
    ];
    if (news.length > 0) setWords(news.join(" "));
  }, [people, t]);
  return words;
}

/** Names that are in `now` and not in `was`. */
export function changes(was: readonly PersonView[], now: readonly PersonView[]): string[] {
  const known = new Set(was.map((person) => person.user));
  return now.filter((person) => !known.has(person.user)).map((person) => person.name);
}
