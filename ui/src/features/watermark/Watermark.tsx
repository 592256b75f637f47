//! What lies over a picture so that a leak says who looked: their name and the time, readable, and a mark nobody sees.
//! Drawn here, at the viewer, after pictures were opened and decoded: sealed meetings have it too, and whatever records
//! this window. It takes no pointer and no key, and screen readers do not hear of it.

import { useMemo } from "react";
import type { MeetingView } from "../../bridge/generated/bridge";
import { moment } from "../../i18n";
import { asBackground, drawTile } from "./tile";
import { useMinute } from "./useMinute";
import styles from "./Watermark.module.css";

interface WatermarkProps {
  meeting: MeetingView;
  /** A shared screen, or the picture of a camera. */
  over: "screen" | "camera";
}

/** The watermark of this meeting; nothing where it wants none. */
export function Watermark({ meeting, over }: WatermarkProps) {
  const { is, tile } = meeting.watermark;
  const named = is === "visible" || is === "both";
  return (
    <>
      {over === "screen" && tile !== null && (
        <div
          aria-hidden="true"
          className={styles.mark}
          data-watermark="invisible"
          style={{ backgroundImage: `url("data:image/png;base64,${tile}")` }}
        />
      )}
      {named && <Named meeting={meeting} over={over} />}
    </>
  );
}

function Named({ meeting, over }: WatermarkProps) {
  const minute = useMinute();
  const name = meeting.people.find((person) => person.is_me)?.name ?? meeting.me;
  const when = moment(minute / 1000);
  const style = useMemo(() => {
    const { svg, width, height } = drawTile([name, when], over === "screen" ? "large" : "small");
    return { backgroundImage: asBackground(svg), backgroundSize: `${width}px ${height}px` };
  }, [name, when, over]);
  return <div aria-hidden="true" className={styles.named} data-watermark="visible" style={style} />;
}
