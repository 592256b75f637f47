//! Join with an invitation: paste it, see what it says, go on.

import type { FormEvent } from "react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { InviteView } from "../../bridge/generated/bridge";
import { Button } from "../../components/Button";
import { TextInput } from "../../components/Field";
import { Fingerprint } from "../../components/Fingerprint";
import { Problem } from "../../components/Problem";
import { moment } from "../../i18n";
import { useSnapshot } from "../../state/store";
import type { Plan } from "../prejoin/plan";
import styles from "./Home.module.css";
import { lineProblem } from "./line";
import { NameField } from "./NameField";
import type { Person } from "./person";
import { useInvite } from "./useInvite";

/** The card. */
export function JoinCard({ person, onPlan }: { person: Person; onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const handedOver = useSnapshot((s) => s.pending_invite);
  const [link, setLink] = useState(handedOver ?? "");
  const [tried, setTried] = useState(false);
  const reading = useInvite(link);

  useEffect(() => {
    if (handedOver !== null) setLink(handedOver);
  }, [handedOver]);

  const usable = reading.is === "read" && !reading.invite.expired;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (reading.is !== "read" || reading.invite.expired || lineProblem(person.name)) return;
    onPlan({ kind: "invite", title: reading.invite.room, name: person.name.trim(), link: link.trim() });
  };

  return (
    <form className={styles.card} onSubmit={submit} noValidate aria-labelledby="join-title">
      <div>
        <h2 id="join-title">{t("home.joinTitle")}</h2>
        <p className={styles.lead}>
          {handedOver !== null && link === handedOver ? t("home.handedOver") : t("home.joinLead")}
        </p>
      </div>
      <TextInput
        label={t("home.link")}
        value={link}
        onChange={setLink}
        placeholder={t("home.linkPlaceholder")}
        mono
        maxLength={4096}
      />
      <div className={styles.reading} aria-live="polite">
        {reading.is === "reading" && <p className={styles.lead}>{t("home.reading")}</p>}
        {reading.is === "wrong" && <Problem code={reading.code} />}
        {reading.is === "read" && reading.invite.expired && <Problem code="invite_expired" />}
        {reading.is === "read" && <InviteFacts invite={reading.invite} />}
      </div>
      {person.ask && usable && <NameField person={person} tried={tried} />}
      <div className={styles.cardEnd}>
        <Button type="submit" look="primary" size="l" wide isDisabled={!usable}>
          {t("home.joinNext")}
        </Button>
      </div>
    </form>
  );
}

function InviteFacts({ invite }: { invite: InviteView }) {
  const { t } = useTranslation();
  return (
    <dl className={styles.facts} aria-label={t("home.inviteFor")}>
      <dt>{t("home.room")}</dt>
      <dd>{invite.room}</dd>
      <dt>{t("home.host")}</dt>
      <dd className={styles.mono}>{invite.addresses.slice(0, 2).join("  ")}</dd>
      <dt>{t("home.expires")}</dt>
      <dd>{moment(invite.expires_at)}</dd>
      <dt>{t("home.fingerprint")}</dt>
      <dd>
        <Fingerprint value={invite.fingerprint} />
        <p className={styles.lead}>{t("home.fingerprintHint")}</p>
      </dd>
    </dl>
  );
}
