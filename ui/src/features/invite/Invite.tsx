//! The invitation: for whom, for how long, then link, QR code and the host's key.

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CreatedInvite, Role } from "../../bridge/generated/bridge";
import { Button } from "../../components/Button";
import { CopyField } from "../../components/CopyField";
import { Choice, Segments } from "../../components/Field";
import { Fingerprint } from "../../components/Fingerprint";
import { Note, Problem } from "../../components/Problem";
import { Sheet } from "../../components/Sheet";
import { moment } from "../../i18n";
import styles from "./Invite.module.css";
import { useInviteMaker } from "./useInviteMaker";

const HOURS = [1, 8, 24, 168, 720] as const;
const ROLES: readonly Role[] = ["member", "guest"];

/** The dialog. */
export function Invite({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const { making, make, forget } = useInviteMaker();
  const [role, setRole] = useState<Role>("guest");
  const [hours, setHours] = useState(24);

  // A link is shown to whoever asked for it, not to the next person who opens the dialog.
  useEffect(() => {
    if (!open) forget();
  }, [open, forget]);

  const wordsFor = (h: number): string =>
    h < 48 ? t("invite.hour", { count: h }) : t("invite.day", { count: h / 24 });

  return (
    <Sheet title={t("invite.title")} open={open} onClose={onClose} width="m">
      {making.is === "made" ? (
        <Made invite={making.invite} onAgain={forget} />
      ) : (
        <>
          <Note look="info" title={t("invite.lead")} />
          <Segments
            label={t("invite.role")}
            options={ROLES.map((r) => ({ id: r, label: t(`roles.${r}`) }))}
            value={role}
            onChange={(id) => setRole(id === "member" ? "member" : "guest")}
          />
          <Choice
            label={t("invite.hours")}
            options={HOURS.map((h) => ({ id: String(h), label: wordsFor(h) }))}
            value={String(hours)}
            onChange={(id) => setHours(Number(id))}
          />
          {making.is === "failed" && <Problem code={making.code} />}
          <Button
            look="primary"
            size="l"
            wide
            autoFocus
            icon="link"
            isDisabled={making.is === "busy"}
            onPress={() => make(role, hours)}
          >
            {making.is === "busy" ? t("invite.creating") : t("invite.create")}
          </Button>
        </>
      )}
    </Sheet>
  );
}

function Made({ invite, onAgain }: { invite: CreatedInvite; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <CopyField label={t("invite.link")} value={invite.link} action={t("invite.copyLink")} />
      <div className={styles.made}>
        <img
          className={styles.qr}
          src={`data:image/svg+xml;utf8,${encodeURIComponent(invite.qr_svg)}`}
          alt={t("invite.qr")}
        />
        <div className={styles.facts}>
          <p className={styles.strong}>{t("invite.asRole", { role: t(`roles.${invite.role}`) })}</p>
          <p>{t("invite.expires", { when: moment(invite.expires_at) })}</p>
          <p className={styles.keyTitle}>{t("invite.fingerprint")}</p>
          <Fingerprint value={invite.fingerprint} />
          <p className={styles.soft}>{t("invite.fingerprintHint")}</p>
        </div>
      </div>
      <Button look="quiet" onPress={onAgain}>
        {t("invite.again")}
      </Button>
    </>
  );
}
