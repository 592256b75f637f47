//! Meetings joined before: join again, or forget.

import { useTranslation } from "react-i18next";
import type { RecentView } from "../../bridge/generated/bridge";
import { Button, IconButton } from "../../components/Button";
import { Icon } from "../../components/Icon";
import { Bubble } from "../../components/Sheet";
import { moment } from "../../i18n";
import { send, useSnapshot } from "../../state/store";
import type { Plan } from "../prejoin/plan";
import styles from "./Home.module.css";

/** The list. */
export function Recents({ onPlan }: { onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const recents = useSnapshot((s) => s.recents);
  return (
    <section aria-labelledby="recent-title" className={styles.recents}>
      <h2 id="recent-title">{t("home.recentTitle")}</h2>
      {recents.length === 0 ? (
        <p className={styles.lead}>{t("home.recentEmpty")}</p>
      ) : (
        <ul className={styles.recentList}>
          {recents.map((recent) => (
            <Recent key={recent.id} recent={recent} onPlan={onPlan} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Recent({ recent, onPlan }: { recent: RecentView; onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const { title } = recent;
  return (
    <li className={styles.recent}>
      <span className={styles.recentIcon} data-near={recent.nearby || undefined}>
        <Icon name={recent.own ? "house" : recent.nearby ? "near" : "clock"} />
      </span>
      <div className={styles.recentWords}>
        <p className={styles.recentTitle}>{title}</p>
        <p className={styles.recentFacts}>
          <span>{t("home.lastJoined", { when: moment(recent.last_joined) })}</span>
          {recent.own && <span className={styles.chip}>{t("home.own")}</span>}
          {recent.nearby && <span className={styles.chipNear}>{t("home.nearby")}</span>}
          {!recent.can_join && <span className={styles.chip}>{t("home.needsInvite")}</span>}
        </p>
      </div>
      {recent.can_join && (
        <Button
          aria-label={t(recent.own ? "home.openAgainNamed" : "home.joinRecentNamed", { title })}
          onPress={() => onPlan({ kind: "recent", title, id: recent.id, own: recent.own })}
        >
          {recent.own ? t("home.openAgain") : t("home.joinRecent")}
        </Button>
      )}
      <Bubble
        title={t("home.forgetTitle")}
        placement="bottom end"
        trigger={<IconButton icon="trash" label={t("home.forgetNamed", { title })} tip={t("home.forget")} />}
      >
        {(close) => (
          <>
            <p>{t("home.forgetLead")}</p>
            <Button
              look="danger"
              onPress={() => {
                close();
                void send("forget_recent", { id: recent.id });
              }}
            >
              {t("home.forgetYes")}
            </Button>
          </>
        )}
      </Bubble>
    </li>
  );
}
