//! A meeting that was asked for at once: how far it is, and what to do when it does not open. Microphone and camera stay
//! closed; the meeting's first screen says so and offers them.

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../components/Button";
import { Problem } from "../../components/Problem";
import { JoinSteps } from "./JoinSteps";
import styles from "./Prejoin.module.css";
import type { Plan } from "./plan";
import { startsHost, titleOf } from "./plan";
import { useJoin } from "./useJoin";

interface OpeningProps {
  /** `null` after the page was reloaded while a join was on its way. */
  plan: Plan | null;
  onBack: () => void;
  /** Look at camera and microphone first after all. */
  onPrepare: () => void;
}

/** The screen between the click and the meeting. */
export function Opening({ plan, onBack, onPrepare }: OpeningProps) {
  const { t } = useTranslation();
  const join = useJoin();
  const asked = useRef(false);
  useEffect(() => {
    if (!plan || asked.current) return;
    asked.current = true;
    join.start(plan, false, false);
  }, [plan, join]);
  const failed = plan !== null && !join.busy && join.failure !== null;
  const giveUp = (): void => {
    join.giveUp();
    onBack();
  };

  return (
    <main className={styles.screen}>
      <header className={styles.head}>
        <IconButton icon="back" label={t("common.back")} onPress={failed ? onBack : giveUp} />
        <div className={styles.heading}>
          <h1 className={styles.title}>{plan ? titleOf(plan, t) : t("prejoin.joining")}</h1>
        </div>
      </header>
      <section className={styles.opening} aria-label={t("prejoin.steps")}>
        {failed && join.failure ? (
          <>
            <Problem code={join.failure.code} />
            <Button look="primary" size="l" wide autoFocus onPress={() => join.start(plan, false, false)}>
              {t("common.retry")}
            </Button>
            <Button wide icon="camera" onPress={onPrepare}>
              {t("home.hostPrepare")}
            </Button>
          </>
        ) : (
          <>
            <JoinSteps hosting={plan !== null && startsHost(plan)} />
            <Button size="l" wide onPress={giveUp}>
              {t("prejoin.giveUp")}
            </Button>
          </>
        )}
      </section>
    </main>
  );
}
