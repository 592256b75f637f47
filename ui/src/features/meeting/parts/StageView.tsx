//! The picture of a shared screen, whole or enlarged, with what lies over it, and its tools below.

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { MeetingView } from "../../../bridge/generated/bridge";
import { IconButton } from "../../../components/Button";
import { Icon } from "../../../components/Icon";
import { Picture } from "../../../components/Picture";
import type { SharedScreen } from "../../../state/selectors";
import { usePictureSize } from "../../../state/store";
import { SQUARES_FROM } from "../../../state/zoom";
import { Watermark } from "../../watermark/Watermark";
import { useRoom } from "../useRoom";
import type { Zoom } from "../useZoom";
import { useZoom } from "../useZoom";
import styles from "./Stage.module.css";

interface StageViewProps {
  meeting: MeetingView;
  screen: SharedScreen;
  /** What it is called. */
  label: string;
  /** Below the picture, before and after its tools. */
  start: ReactNode;
  end: ReactNode;
  /** Gives the track a window of its own; absent where it cannot have one, or has it. */
  onPopOut?: (track: string) => void;
}

/** One screen. Give it the track as its key: another picture begins whole. */
export function StageView({ meeting, screen, label, start, end, onPopOut }: StageViewProps) {
  const { t } = useTranslation();
  const size = usePictureSize(screen.track);
  const { place, room } = useRoom();
  const zoom = useZoom(size, place, room);
  const { at } = zoom;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a place to move a picture in is no set of fields */}
      <div
        ref={place}
        className={styles.view}
        role="group"
        aria-label={t("stage.view")}
        tabIndex={zoom.zoomed ? 0 : undefined}
        data-zoomed={zoom.zoomed || undefined}
        {...zoom.handlers}
      >
        {screen.trouble ? (
          <p className={styles.words}>
            <Icon name="alert" size={28} />
            {t(`meeting.trouble.${screen.trouble}`)}
          </p>
        ) : (
          screen.track !== null && (
            <div
              className={styles.sheet}
              data-squares={(at !== null && at.scale >= SQUARES_FROM) || undefined}
              {...(at ? { style: { left: at.left, top: at.top, width: at.width, height: at.height } } : {})}
            >
              <Picture track={screen.track} fit="fill" label={label} />
            </div>
          )
        )}
        {!screen.trouble && !size && (
          <p className={styles.words}>
            <Icon name="monitor" size={28} />
            {screen.person.is_me && <strong>{t("meeting.sharing")}</strong>}
            {screen.person.is_me ? t("meeting.sharingLead") : t("meeting.waitingPicture")}
          </p>
        )}
        {!screen.person.is_me && <Watermark meeting={meeting} over="screen" />}
      </div>
      <div className={styles.bar}>
        {start}
        {at && <ZoomTools zoom={zoom} scale={at.scale} />}
        {onPopOut && screen.track !== null && (
          <IconButton icon="popOut" label={t("stage.popOut")} onPress={() => onPopOut(screen.track ?? "")} />
        )}
        {end}
      </div>
    </>
  );
}

function ZoomTools({ zoom, scale }: { zoom: Zoom; scale: number }) {
  const { t } = useTranslation();
  const tip = (label: string, keys: string): { label: string; tip: string } => ({
    label,
    tip: t("common.shortcut", { label, keys }),
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: these are no fields of a form
    <div className={styles.tools} role="group" aria-label={t("stage.zoom")}>
      <IconButton icon="zoomOut" {...tip(t("stage.reduce"), "−")} onPress={zoom.reduce} />
      <span className={styles.percent} role="status">
        {t("stage.percent", { percent: Math.round(scale * 100) })}
      </span>
      <IconButton icon="zoomIn" {...tip(t("stage.enlarge"), "+")} onPress={zoom.enlarge} />
      <IconButton icon="actual" {...tip(t("stage.actual"), "1")} onPress={zoom.actual} />
      <IconButton icon="fit" {...tip(t("stage.fit"), "0")} onPress={zoom.fit} isDisabled={!zoom.zoomed} />
    </div>
  );
}
