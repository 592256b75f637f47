//! The panel at the side: people, and rights.

import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { ErrorWall } from "../../../app/ErrorWall";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { IconButton } from "../../../components/Button";
import { People } from "../../people/People";
import { Rights } from "../../rights/Rights";
import { WatermarkChoice } from "../../watermark/WatermarkChoice";
import styles from "./Panel.module.css";

/** What the panel shows. */
export type PanelTab = "people" | "rights";

interface PanelProps {
  meeting: MeetingView;
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  onClose: () => void;
}

/** The panel. */
export function Panel({ meeting, tab, onTab, onClose }: PanelProps) {
  const { t } = useTranslation();
  return (
    <aside className={styles.panel} aria-label={t("meeting.panel")}>
      <Tabs
        className={styles.tabs ?? ""}
        selectedKey={tab}
        onSelectionChange={(key) => onTab(key === "rights" ? "rights" : "people")}
      >
        <div className={styles.head}>
          <TabList className={styles.tabList ?? ""} aria-label={t("meeting.panel")}>
            <Tab id="people" className={styles.tab ?? ""}>
              {t("people.title")}
            </Tab>
            <Tab id="rights" className={styles.tab ?? ""}>
              {t("rights.title")}
            </Tab>
          </TabList>
          <IconButton icon="close" label={t("common.close")} onPress={onClose} />
        </div>
        <TabPanel id="people" className={styles.body ?? ""}>
          <ErrorWall>
            <People meeting={meeting} />
          </ErrorWall>
        </TabPanel>
        <TabPanel id="rights" className={styles.body ?? ""}>
          <ErrorWall>
            <Rights meeting={meeting} />
            {meeting.role !== null && <WatermarkChoice meeting={meeting} />}
          </ErrorWall>
        </TabPanel>
      </Tabs>
    </aside>
  );
}
