//! Everyone, as large as the window allows: 16:9 tiles, sixteen to a page, more where there is room for more.

import type { CSSProperties } from "react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { Button, IconButton } from "../../../components/Button";
import { layOut } from "../../../state/gallery";
import { useRoom } from "../useRoom";
import { useShortcuts } from "../useShortcuts";
import styles from "./Gallery.module.css";
import { Tile } from "./Tile";

interface GalleryProps {
  meeting: MeetingView;
  /** `null`: this person cannot invite. */
  onInvite: (() => void) | null;
}

/** The tiles. */
export function Gallery({ meeting, onInvite }: GalleryProps) {
  const { t } = useTranslation();
  const { people } = meeting;
  const alone = people.length === 1;
  const { place, room } = useRoom();
  const { columns, width, height, gap, perPage, pages } = layOut(people.length + (alone ? 1 : 0), room);
  const [turned, setPage] = useState(0);
  // People go, and the window grows.
  const page = Math.min(turned, pages - 1);
  const turn = (to: number): void => setPage(Math.max(0, Math.min(pages - 1, to)));
  useShortcuts({ pagedown: () => turn(page + 1), pageup: () => turn(page - 1) });
  const own = { "--tile": `${width}px`, "--high": `${height}px` };
  const grid: CSSProperties = { ...own, gap, width: columns * (width + gap) - gap };
  return (
    <div ref={place} className={styles.gallery}>
      <ul className={styles.grid} style={grid}>
        {people.slice(page * perPage, (page + 1) * perPage).map((person) => (
          <Tile key={person.user} person={person} meeting={meeting} />
        ))}
        {alone && (
          <li className={styles.alone}>
            <p className={styles.aloneTitle}>{t("meeting.alone")}</p>
            <p>{onInvite ? t("meeting.aloneHost") : t("meeting.aloneGuest")}</p>
            {onInvite && (
              <Button look="primary" icon="invite" onPress={onInvite}>
                {t("invite.title")}
              </Button>
            )}
          </li>
        )}
      </ul>
      {pages > 1 && (
        <nav className={styles.pager} aria-label={t("meeting.pages")}>
          <IconButton
            icon="back"
            label={t("meeting.previousPage")}
            tip={t("common.shortcut", { label: t("meeting.previousPage"), keys: "Page Up" })}
            isDisabled={page === 0}
            onPress={() => turn(page - 1)}
          />
          <p className={styles.page} role="status">
            {t("meeting.page", { page: page + 1, pages })}
          </p>
          <IconButton
            icon="next"
            label={t("meeting.nextPage")}
            tip={t("common.shortcut", { label: t("meeting.nextPage"), keys: "Page Down" })}
            isDisabled={page === pages - 1}
            onPress={() => turn(page + 1)}
          />
        </nav>
      )}
    </div>
  );
}
