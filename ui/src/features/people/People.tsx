//! Who is here, with roles; the owner can change them.

import { Slider, SliderOutput, SliderThumb, SliderTrack } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { MeetingView, PersonView, Role } from "../../bridge/generated/bridge";
import { Avatar } from "../../components/Avatar";
import { Choice, Toggle } from "../../components/Field";
import { Icon } from "../../components/Icon";
import { cameraOf, hears, onMegaphone, runsMeeting } from "../../state/selectors";
import { send } from "../../state/store";
import { effective, strongest } from "../shield/words";
import styles from "./People.module.css";

const ROLES: readonly Role[] = ["owner", "member", "guest"];

/** The list. */
export function People({ meeting }: { meeting: MeetingView }) {
  const { t } = useTranslation();
  return (
    <>
      {meeting.role === null && <p className={styles.lead}>{t("people.foreign")}</p>}
      <ul className={styles.list}>
        {meeting.people.map((person) => (
          <Person key={person.user} person={person} meeting={meeting} />
        ))}
      </ul>
    </>
  );
}

/** How loud this person is heard here; others do not notice. */
function Volume({ person }: { person: PersonView }) {
  const { t } = useTranslation();
  return (
    <Slider
      className={styles.volume ?? ""}
      aria-label={t("people.volume", { name: person.name })}
      minValue={0}
      maxValue={200}
      step={10}
      value={person.volume}
      onChange={(percent) => void send("set_volume", { user: person.user, percent })}
    >
      <Icon name="speaker" size={14} />
      <SliderTrack className={styles.track ?? ""}>
        {({ state }) => (
          <>
            <span className={styles.fill} style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderThumb className={styles.thumb ?? ""} />
          </>
        )}
      </SliderTrack>
      <SliderOutput className={styles.percent ?? ""}>{t("people.percent", { percent: person.volume })}</SliderOutput>
    </Slider>
  );
}

/** How far this person's window is protected, where the meeting wants to know; the owner can exempt them. */
function Protection({ person, meeting }: { person: PersonView; meeting: MeetingView }) {
  const { t } = useTranslation();
  const demand = meeting.shield;
  if (!demand || person.role === null) return null;
  const needed = strongest(demand.minimum.everyone, demand.minimum[person.role]);
  if (needed === "none" && !person.exempt) return null;
  return (
    <div className={styles.protection}>
      <p className={styles.role}>
        {t(`shield.${effective(person.shield)}`)}
        {person.exempt && ` · ${t("shield.exempt")}`}
        {!person.pictures && ` · ${t("shield.soundOnlyShort")}`}
      </p>
      {demand.editable && (
        <Toggle
          label={t("shield.exemptSwitch")}
          name={t("shield.exemptNamed", { name: person.name })}
          on={person.exempt}
          onChange={(exempt) => void send("set_shield_exempt", { user: person.user, exempt })}
        />
      )}
    </div>
  );
}

function Person({ person, meeting }: { person: PersonView; meeting: MeetingView }) {
  const { t } = useTranslation();
  const heard = hears(person, meeting);
  const seen = cameraOf(person, meeting).track !== null;
  const sharing = person.is_me
    ? meeting.share.is === "on"
    : person.tracks.some((track) => track.source === "screen_share" && !track.muted);
  return (
    <li className={styles.person}>
      <Avatar user={person.user} name={person.name} size="s" />
      <div className={styles.words}>
        <p className={styles.name}>{person.is_me ? t("common.youNamed", { name: person.name }) : person.name}</p>
        {person.role && !runsMeeting(meeting) && <p className={styles.role}>{t(`roles.${person.role}`)}</p>}
        {person.role && runsMeeting(meeting) && (
          <Choice
            quiet
            small
            label={t("people.role", { name: person.name })}
            options={ROLES.map((role) => ({ id: role, label: t(`roles.${role}`) }))}
            value={person.role}
            onChange={(id) => {
              const role = ROLES.find((r) => r === id);
              if (role) void send("set_role", { user: person.user, role });
            }}
          />
        )}
        <Protection person={person} meeting={meeting} />
        {!person.is_me && <Volume person={person} />}
      </div>
      <span className={styles.states}>
        {onMegaphone(person, meeting) && (
          <span role="img" aria-label={t("meeting.megaphoneOn")} data-look="loud">
            <Icon name="megaphone" size={17} />
          </span>
        )}
        {sharing && (
          <span role="img" aria-label={t("people.sharing")} data-look="on">
            <Icon name="monitor" size={17} />
          </span>
        )}
        <span
          role="img"
          aria-label={heard ? t("people.microphoneOn") : t("people.microphoneOff")}
          data-look={heard ? "on" : "off"}
        >
          <Icon name={heard ? "mic" : "micOff"} size={17} />
        </span>
        <span
          role="img"
          aria-label={seen ? t("people.cameraOn") : t("people.cameraOff")}
          data-look={seen ? "on" : "quiet"}
        >
          <Icon name={seen ? "camera" : "cameraOff"} size={17} />
        </span>
      </span>
    </li>
  );
}
