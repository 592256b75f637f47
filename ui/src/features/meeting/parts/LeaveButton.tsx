//! Leave. The host is asked whether the meeting ends for everyone.

import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button, WithTip } from "../../../components/Button";
import { Bubble } from "../../../components/Sheet";
import { send, useSnapshot } from "../../../state/store";
import { Face } from "./Toolbar";
import styles from "./Toolbar.module.css";

/** The button. */
export function LeaveButton() {
  const { t } = useTranslation();
  const hosting = useSnapshot((s) => s.hosting !== null);
  const face = <Face icon="leave" label={t("meeting.leave")} />;
  if (!hosting) {
    return (
      <WithTip tip={t("meeting.leave")}>
        <AriaButton className={styles.tool ?? ""} data-look="leave" onPress={() => void send("leave", {})}>
          {face}
        </AriaButton>
      </WithTip>
    );
  }
  return (
    <Bubble
      title={t("meeting.leaveTitle")}
      placement="top end"
      trigger={
        <AriaButton className={styles.tool ?? ""} data-look="leave">
          {face}
        </AriaButton>
      }
    >
      <div className={styles.choice}>
        <Button wide onPress={() => void send("leave", {})}>
          {t("meeting.leaveOnly")}
        </Button>
        <p>{t("meeting.leaveOnlyLead")}</p>
      </div>
      <div className={styles.choice}>
        <Button look="danger" wide onPress={() => void endAll()}>
          {t("meeting.endAll")}
        </Button>
        <p>{t("meeting.endAllLead")}</p>
      </div>
    </Bubble>
  );
}

async function endAll(): Promise<void> {
  await send("leave", {});
  await send("stop_hosting", {});
}
