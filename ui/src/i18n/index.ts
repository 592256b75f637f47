//! The words. Japanese first; English has the same keys (a test compares them).

import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Code, DeviceKind, Language } from "../bridge/generated/bridge";
import en from "./en.json";
import ja from "./ja.json";

/** A language there are words for. */
export type Spoken = "ja" | "en";

/** The language to speak: what was set, else what the system says, else Japanese. */
export function spoken(language: Language, system: string): Spoken {
  switch (language) {
    case "ja":
    case "en":
      return language;
    case "system":
      // A system without a language of its own says "C" or nothing.
      return /^(|c|posix|ja\b.*)$/i.test(system) ? "ja" : "en";
  }
}

/** Loads the words; nothing is fetched. */
export function startWords(language: Spoken): void {
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "ja",
    resources: { ja: { translation: ja }, en: { translation: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
    initAsync: false,
  });
}

/** Speaks another language from now on. */
export function speak(language: Spoken): void {
  document.documentElement.lang = language;
  if (i18next.language !== language) void i18next.changeLanguage(language);
}

/** What happened and what to do about it. */
export interface Words {
  title: string;
  hint: string;
}

type About = { [C in Code]: (typeof ja)["codes"][C] extends { about: string } ? C : never }[Code];
const NAMED: readonly About[] = [
  "camera_dark",
  "camera_still",
  "device_back",
  "device_changed",
  "device_busy",
  "device_denied",
  "device_failed",
  "device_lost",
  "device_missing",
  "microphone_silent",
  "microphone_switched",
  "right_revoked",
  "share_lost",
  "track_refused",
];

/** The words for a code; `about` is a name that belongs into them, `device` what is meant where there is no name. */
export function wordsOf(code: Code, about: string | null = null, device: DeviceKind | null = null): Words {
  const named = NAMED.find((name) => name === code);
  return {
    title:
      about !== null && named
        ? i18next.t(`codes.${named}.about`, { about })
        : i18next.t(`codes.${code}.title`, { device: i18next.t(`deviceKind.${device ?? "any"}`) }),
    hint: i18next.t(`codes.${code}.hint`),
  };
}

/** A moment, in words of the language spoken now. */
export function moment(unix: number): string {
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: "medium", timeStyle: "short" }).format(unix * 1000);
}
