//! One computer's protection in sentences: what it does, by what, and when that was last tried out.

import { useTranslation } from "react-i18next";
import type { ShieldStatus } from "../../bridge/generated/bridge";
import { moment } from "../../i18n";

/** The sentences. */
export function Told({ shield, className }: { shield: ShieldStatus; className?: string | undefined }) {
  const { t } = useTranslation();
  const { test } = shield;
  return (
    <>
      <p className={className}>{shield.failed ? t("shield.failed") : t(`shield.${shield.level}Words`)}</p>
      {shield.mechanism !== "unsupported" && (
        <p className={className}>
          {t("shield.by", { mechanism: t(`shield.mechanism.${shield.mechanism}`) })}{" "}
          {test ? t(`shield.test.${test.outcome}`, { when: moment(test.at) }) : t("shield.test.never")}
        </p>
      )}
    </>
  );
}
