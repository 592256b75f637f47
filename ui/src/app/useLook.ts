//! Language and colours of the page, as set and as the system says.

import { useEffect, useSyncExternalStore } from "react";
import type { Theme } from "../bridge/generated/bridge";
import type { Spoken } from "../i18n";
import { speak, spoken } from "../i18n";
import { useSnapshot } from "../state/store";

/** Applies language and colours; answers the language spoken. */
export function useLook(): Spoken {
  const language = useSnapshot((s) => spoken(s.settings.language, navigator.language));
  const theme = useSnapshot((s) => s.settings.theme);
  const contrast = useMedia("(prefers-contrast: more)");
  const dark = useMedia("(prefers-color-scheme: dark)");
  const colours = coloursOf(theme, contrast, dark);

  useEffect(() => speak(language), [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = colours;
  }, [colours]);
  return language;
}

/** The colours to show. */
export function coloursOf(theme: Theme, contrast: boolean, dark: boolean): "light" | "dark" | "contrast" {
  if (theme !== "system") return theme;
  if (contrast) return "contrast";
  return dark ? "dark" : "light";
}

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (onChange) => {
      const media = matchMedia(query);
      media.addEventListener("change", onChange);
      return () => media.removeEventListener("change", onChange);
    },
    () => matchMedia(query).matches,
  );
}
