//! What the meeting demands before it sends pictures: for everyone, and more for a role. The owner sets it.

import { useTranslation } from "react-i18next";
import type { MeetingShieldView, Role, ShieldLevel } from "../../bridge/generated/bridge";
import { Choice } from "../../components/Field";
import { send } from "../../state/store";
import styles from "./Shield.module.css";
import { LEVELS } from "./words";

const ROLES: readonly Role[] = ["owner", "member", "guest"];

/** The choices, or what was chosen. */
export function Minimum({ shield }: { shield: MeetingShieldView }) {
  const { t } = useTranslation();
  const { minimum, editable } = shield;
  const demand = (role: Role | null, id: string): void => {
    const level = LEVELS.find((l) => l === id);
    if (level) void send("set_shield_minimum", { role, level });
  };
  const options = (none: string): { id: ShieldLevel; label: string }[] =>
    LEVELS.map((level) => ({
      id: level,
      label: level === "none" ? none : t("shield.atLeast", { level: t(`shield.${level}`) }),
    }));
  return (
    <section className={styles.minimum} aria-labelledby="shield-minimum">
      <h3 id="shield-minimum">{t("shield.minimum")}</h3>
      <p className={styles.soft}>{t("shield.minimumLead")}</p>
      {editable ? (
        <>
          <Choice
            label={t("shield.everyone")}
            options={options(t("shield.noMinimum"))}
            value={minimum.everyone}
            onChange={(id) => demand(null, id)}
          />
          {ROLES.map((role) => (
            <Choice
              key={role}
              small
              label={t("shield.ofRole", { role: t(`roles.${role}`) })}
              options={options(t("shield.asEveryone"))}
              value={minimum[role]}
              onChange={(id) => demand(role, id)}
            />
          ))}
        </>
      ) : (
        <p>
          {shield.needed === "none"
            ? t("shield.noMinimum")
            : t("shield.demands", { level: t(`shield.${shield.needed}`) })}
        </p>
      )}
    </section>
  );
}
