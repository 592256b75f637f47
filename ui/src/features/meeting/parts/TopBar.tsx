//! Title and marks: sealed or not, the connection, protection from screenshots, hosting.

import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { IconButton } from "../../../components/Button";
import { Fingerprint } from "../../../components/Fingerprint";
import { Mark } from "../../../components/Icon";
import { Bubble } from "../../../components/Sheet";
import { useSnapshot } from "../../../state/store";
import styles from "../Meeting.module.css";
import { LinkMark, MarkButton, SealMark, ShieldMark } from "./marks";
import marks from "./marks.module.css";

/** The bar on top. */
export function TopBar({ meeting, openSettings }: { meeting: MeetingView; openSettings: () => void }) {
  const { t } = useTranslation();
  return (
    <header className={styles.top}>
      <Mark size={26} />
      <h1 className={styles.title}>{meeting.title}</h1>
      <span className={styles.count}>{t("meeting.people", { count: meeting.people.length })}</span>
      <div className={styles.marks}>
        <SealMark seal={meeting.seal} />
        <ShieldMark people={meeting.people} demand={meeting.shield} />
        <LinkMark link={meeting.link} heardBy={meeting.heard_by} />
        <HostingMark />
        <IconButton icon="settings" label={t("common.settings")} onPress={openSettings} />
      </div>
    </header>
  );
}

function HostingMark() {
  const { t } = useTranslation();
  const hosting = useSnapshot((s) => s.hosting);
  if (!hosting) return null;
  return (
    <Bubble
      title={t("meeting.hostingHere")}
      placement="bottom end"
      trigger={<MarkButton icon="house" look="plain" label={t("meeting.hostingHere")} short />}
    >
      <p>{t("meeting.hostingPeople", { count: hosting.people })}</p>
      <dl className={marks.facts}>
        <dt>{t("meeting.hostingAddresses")}</dt>
        {hosting.addresses.map((address) => (
          <dd key={address} className={marks.mono}>
            {address}
          </dd>
        ))}
        <dt>{t("invite.fingerprint")}</dt>
        <dd>
          <Fingerprint value={hosting.fingerprint} />
        </dd>
      </dl>
    </Bubble>
  );
}
