//! The switch for a blurred background, where a camera is chosen. Rust blurs; this only says what is wished.

import { useTranslation } from "react-i18next";
import { Toggle } from "../../components/Field";
import { send, useSnapshot } from "../../state/store";

/** With or without the explanation. */
export function BlurSwitch({ hint = false }: { hint?: boolean }) {
  const { t } = useTranslation();
  const on = useSnapshot((s) => s.settings.blur_background);
  return (
    <Toggle
      label={t("settings.blur")}
      {...(hint ? { hint: t("settings.blurHint") } : {})}
      on={on}
      onChange={(wished) => void send("change_settings", { blur_background: wished })}
    />
  );
}
