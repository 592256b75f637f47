//! How far a join is, in words.

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { JoinStep } from "../../bridge/generated/bridge";
import { Icon } from "../../components/Icon";
import { useSnapshot } from "../../state/store";
import styles from "./Prejoin.module.css";

const STEPS: readonly JoinStep[] = ["starting_host", "finding", "entering", "connecting"];

/** The steps, done, now and to come. */
export function JoinSteps({ hosting }: { hosting: boolean }) {
  const { t } = useTranslation();
  const now = useSnapshot((s) => (s.phase.at === "joining" ? s.phase.step : null));
  const steps = STEPS.filter((step) => step !== "starting_host" || hosting || now === "starting_host");
  const at = now === null ? 0 : steps.indexOf(now);
  // The button that was pressed is gone; without this the focus would be nowhere.
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <div ref={place} className={styles.joining} tabIndex={-1}>
      <p className={styles.joiningTitle} role="status">
        {hosting ? t("prejoin.opening") : t("prejoin.joining")}
      </p>
      <ol className={styles.steps} aria-label={t("prejoin.steps")}>
        {steps.map((step, index) => (
          <li
            key={step}
            className={styles.step}
            data-state={index < at ? "done" : index === at ? "now" : "later"}
            aria-current={index === at ? "step" : undefined}
          >
            <span className={styles.stepMark}>{index < at && <Icon name="check" size={14} />}</span>
            {t(`prejoin.step.${step}`)}
            {index < at && <span className="only-spoken">{t("prejoin.stepDone")}</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}
