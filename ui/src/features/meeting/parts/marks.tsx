//! The three marks a person should be able to trust, each with an explanation behind it.

import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type {
  LinkQuality,
  LinkView,
  MeetingShieldView,
  PersonView,
  SealView,
  ShieldLevel,
} from "../../../bridge/generated/bridge";
import { Avatar } from "../../../components/Avatar";
import type { IconName } from "../../../components/Icon";
import { Icon, SignalIcon } from "../../../components/Icon";
import { Bubble } from "../../../components/Sheet";
import { Told } from "../../shield/Told";
import { effective, LEVELS } from "../../shield/words";
import styles from "./marks.module.css";

interface MarkButtonProps {
  icon?: IconName;
  picture?: ReactNode;
  look: "good" | "warn" | "bad" | "plain";
  label: string;
  /** Only the pictogram is drawn. */
  short?: boolean;
}

/** A mark that explains itself when pressed. */
export function MarkButton({ icon, picture, look, label, short = false }: MarkButtonProps) {
  return (
    <AriaButton className={styles.mark ?? ""} data-look={look} {...(short ? { "aria-label": label } : {})}>
      {icon ? <Icon name={icon} size={17} /> : picture}
      {!short && <span>{label}</span>}
    </AriaButton>
  );
}

const SEAL_LOOK = { sealed: "good", open: "bad", partly: "warn" } as const;

/** Sealed or not, and why. */
export function SealMark({ seal }: { seal: SealView }) {
  const { t } = useTranslation();
  return (
    <Bubble
      title={t(`seal.${seal.is}Title`)}
      trigger={
        <MarkButton
          icon={seal.is === "open" ? "unlock" : "lock"}
          look={SEAL_LOOK[seal.is]}
          label={t(`seal.${seal.is}`)}
        />
      }
    >
      <p>{t(`seal.${seal.is}Why`)}</p>
      {seal.is === "partly" && (
        <>
          <ul className={styles.list}>
            {seal.refused > 0 && <li>{t("seal.refused", { count: seal.refused })}</li>}
            {seal.wrong_key > 0 && <li>{t("seal.wrongKey", { count: seal.wrong_key })}</li>}
          </ul>
          <p>{t("seal.partlyDo")}</p>
        </>
      )}
    </Bubble>
  );
}

const QUALITY: Record<LinkQuality, { bars: 0 | 1 | 2 | 3; look: MarkButtonProps["look"] }> = {
  unknown: { bars: 0, look: "plain" },
  lost: { bars: 0, look: "bad" },
  poor: { bars: 1, look: "warn" },
  good: { bars: 2, look: "plain" },
  excellent: { bars: 3, look: "plain" },
};

/** How good the connection is. */
export function LinkMark({ link, heardBy }: { link: LinkView; heardBy: number }) {
  const { t } = useTranslation();
  const { bars, look } = QUALITY[link.quality];
  return (
    <Bubble
      title={t("link.title")}
      placement="bottom end"
      trigger={<MarkButton picture={<SignalIcon bars={bars} />} look={look} label={t(`link.${link.quality}`)} />}
    >
      <dl className={styles.facts}>
        <dt>{t("link.rtt")}</dt>
        <dd>{link.rtt_ms === null ? t("link.notYet") : t("link.rttValue", { ms: link.rtt_ms })}</dd>
        <dt>{t("link.loss")}</dt>
        <dd>{link.loss_percent === null ? t("link.notYet") : t("link.lossValue", { percent: link.loss_percent })}</dd>
        <dt>{t("link.heard")}</dt>
        <dd>{heardBy > 0 ? t("link.heardBy", { count: heardBy }) : t("link.notHeard")}</dd>
      </dl>
      {(link.quality === "poor" || link.quality === "lost") && <p>{t("link.poorHint")}</p>}
    </Bubble>
  );
}

/** The weakest protection of all; a person whose protection is not known counts as unprotected. */
export function weakest(people: readonly PersonView[]): ShieldLevel {
  return people.reduce<ShieldLevel>((level, person) => {
    const theirs = effective(person.shield);
    return LEVELS.indexOf(theirs) < LEVELS.indexOf(level) ? theirs : level;
  }, "block");
}

/** Protection from screenshots, per person, in honest words. */
export function ShieldMark({ people, demand }: { people: readonly PersonView[]; demand: MeetingShieldView | null }) {
  const { t } = useTranslation();
  const level = weakest(people);
  return (
    <Bubble
      title={t("shield.title")}
      trigger={
        <MarkButton
          icon={level === "none" ? "shieldOff" : "shield"}
          look={level === "block" ? "good" : "plain"}
          label={t(`shield.${level}`)}
        />
      }
    >
      <p>{t("shield.lead")}</p>
      {demand && demand.needed !== "none" && <p>{t("shield.demands", { level: t(`shield.${demand.needed}`) })}</p>}
      <ul className={styles.people}>
        {people.map((person) => (
          <li key={person.user} className={styles.person}>
            <Avatar user={person.user} name={person.name} size="s" />
            <div>
              <p className={styles.name}>
                {person.is_me ? t("common.youNamed", { name: person.name }) : person.name}
                <span className={styles.level} data-level={effective(person.shield)}>
                  {person.shield === null ? t("shield.unknown") : t(`shield.${effective(person.shield)}`)}
                </span>
              </p>
              {person.shield && <Told shield={person.shield} className={styles.soft} />}
            </div>
          </li>
        ))}
      </ul>
    </Bubble>
  );
}
