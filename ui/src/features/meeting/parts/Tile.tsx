//! One person: picture or initials, name, role, and what their sound does.

import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { MeetingView, PersonView } from "../../../bridge/generated/bridge";
import { Avatar } from "../../../components/Avatar";
import { Icon } from "../../../components/Icon";
import { Picture } from "../../../components/Picture";
import { cameraOf, hears, onMegaphone, soundTrouble } from "../../../state/selectors";
import { usePictureSize, useSnapshot, useSpeaking } from "../../../state/store";
import { Watermark } from "../../watermark/Watermark";
import styles from "./Tile.module.css";

/** A tile. */
export const Tile = memo(function Tile({ person, meeting }: { person: PersonView; meeting: MeetingView }) {
  const { t } = useTranslation();
  const mirror = useSnapshot((s) => s.settings.mirror);
  const speaking = useSpeaking(person.is_me ? null : person.user);
  const picture = cameraOf(person, meeting);
  const size = usePictureSize(picture.track);
  const heard = hears(person, meeting);
  const loud = onMegaphone(person, meeting);
  const trouble = picture.trouble ?? soundTrouble(person);
  const name = person.is_me ? t("common.youNamed", { name: person.name }) : person.name;

  return (
    <li className={styles.tile} data-speaking={(speaking && (heard || loud)) || undefined} aria-label={name}>
      {picture.track !== null && (
        <Picture track={picture.track} mirrored={person.is_me && mirror} fit="cover" label={name} />
      )}
      {picture.track !== null && size && !person.is_me && <Watermark meeting={meeting} over="camera" />}
      {!(picture.track !== null && size) && (
        <div className={styles.nobody}>
          <Avatar user={person.user} name={person.name} />
        </div>
      )}
      {trouble && (
        <p className={styles.trouble}>
          <Icon name="alert" size={18} />
          {t(`meeting.trouble.${trouble}`)}
        </p>
      )}
      <div className={styles.label}>
        {loud ? (
          <span className={styles.loud} role="img" aria-label={t("meeting.megaphoneOn")}>
            <Icon name="megaphone" size={15} />
          </span>
        ) : (
          !heard && (
            <span className={styles.muted} role="img" aria-label={t("meeting.muted")}>
              <Icon name="micOff" size={15} />
            </span>
          )
        )}
        <span className={styles.name}>{name}</span>
        {(person.role === "owner" || person.role === "guest") && (
          <span className={styles.role} data-role={person.role}>
            {t(`roles.${person.role}`)}
          </span>
        )}
        {speaking && (heard || loud) && <span className="only-spoken">{t("meeting.speaking")}</span>}
      </div>
    </li>
  );
});
