//! Role x capability. The owner edits, everyone may look; the owner's own row is fixed.

import { useTranslation } from "react-i18next";
import type { Capability, MeetingView } from "../../bridge/generated/bridge";
import { Toggle } from "../../components/Field";
import type { IconName } from "../../components/Icon";
import { Icon } from "../../components/Icon";
import { send } from "../../state/store";
import { Minimum } from "../shield/Minimum";
import styles from "./Rights.module.css";

const CAPABILITIES: readonly { id: Capability; icon: IconName }[] = [
  { id: "microphone", icon: "mic" },
  { id: "camera", icon: "camera" },
  { id: "screen_share", icon: "monitor" },
  { id: "megaphone", icon: "megaphone" },
];

/** The table. */
export function Rights({ meeting }: { meeting: MeetingView }) {
  const { t } = useTranslation();
  const { rights } = meeting;
  if (rights.length === 0) return <p className={styles.lead}>{t("rights.foreign")}</p>;
  const editable = rights.some((row) => row.editable);
  return (
    <>
      <p className={styles.lead}>{editable ? t("rights.lead") : t("rights.readOnly")}</p>
      <table className={styles.table}>
        <caption className="only-spoken">{t("rights.title")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("rights.capability")}</th>
            {rights.map((row) => (
              <th key={row.role} scope="col">
                {t(`roles.${row.role}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {CAPABILITIES.map(({ id, icon }) => (
            <tr key={id}>
              <th scope="row">
                <span className={styles.capability}>
                  <Icon name={icon} size={18} />
                  {t(`rights.${id}`)}
                </span>
              </th>
              {rights.map((row) => {
                const allowed = row.allowed.includes(id);
                return (
                  <td key={row.role}>
                    {row.editable ? (
                      <Toggle
                        label={null}
                        name={t("rights.switch", { role: t(`roles.${row.role}`), capability: t(`rights.${id}`) })}
                        on={allowed}
                        onChange={(on) => void send("set_right", { role: row.role, capability: id, allowed: on })}
                      />
                    ) : (
                      <span
                        className={styles.fixed}
                        role="img"
                        aria-label={allowed ? t("rights.allowed") : t("rights.forbidden")}
                        data-allowed={allowed || undefined}
                      >
                        <Icon name={allowed ? "check" : "close"} size={18} />
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {editable && <p className={styles.foot}>{t("rights.ownerFixed")}</p>}
      {meeting.shield && <Minimum shield={meeting.shield} />}
      <dl className={styles.roles}>
        {rights.map((row) => (
          <div key={row.role}>
            <dt>{t(`roles.${row.role}`)}</dt>
            <dd>{t(`roles.${row.role}Lead`)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
