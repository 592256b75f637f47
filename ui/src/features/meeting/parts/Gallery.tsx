//! Everyone, as large as the window allows: 1 to 16 tiles, the rest by number.

import { useLayoutEffect, useRef, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { Button } from "../../../components/Button";
import { bestColumns } from "../../../state/selectors";
import styles from "../Meeting.module.css";
import { Tile } from "./Tile";

const MOST = 16;
const GAP = 10;

interface GalleryProps {
  meeting: MeetingView;
  /** `null`: this person cannot invite. */
  onInvite: (() => void) | null;
  onMore: () => void;
}

/** The tiles. */
export function Gallery({ meeting, onInvite, onMore }: GalleryProps) {
  const { t } = useTranslation();
  const { people } = meeting;
  const shown = people.length > MOST ? people.slice(0, MOST - 1) : people;
  const alone = people.length === 1;
  const cells = Math.min(people.length, MOST) + (alone ? 1 : 0);
  const { place, columns, width, height } = useGrid(cells);
  return (
    <div ref={place} className={styles.gallery}>
      <ul
        className={styles.grid}
        style={{ gridTemplateColumns: `repeat(${columns}, ${width}px)`, gridAutoRows: `${height}px`, gap: GAP }}
      >
        {shown.map((person) => (
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
        {people.length > MOST && (
          <li className={styles.more}>
            <AriaButton className={styles.moreButton ?? ""} onPress={onMore}>
              {t("meeting.more", { count: people.length - shown.length })}
            </AriaButton>
          </li>
        )}
      </ul>
    </div>
  );
}

// The grid that makes 16:9 tiles largest in the place there is.
function useGrid(cells: number) {
  const place = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState({ width: 960, height: 540 });
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const measure = (): void => setRoom({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const columns = bestColumns(cells, room.width, room.height, GAP);
  const rows = Math.ceil(cells / columns);
  const widest = (room.width - GAP * (columns - 1)) / columns;
  const highest = (room.height - GAP * (rows - 1)) / rows;
  // A little off 16:9 is allowed, so that less of the window is left over.
  const width = Math.max(80, Math.floor(Math.min(widest, highest * 1.9)));
  const height = Math.max(45, Math.floor(Math.min(highest, width / 1.35)));
  return { place, columns, width, height };
}
