//! Settings of this person on this machine. Each change goes to Rust at once and comes back as an event.

import type { FormEvent, ReactNode } from "react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Language, NoiseSuppression, Theme } from "../../bridge/generated/bridge";
import { Button } from "../../components/Button";
import { Segments, TextInput, Toggle } from "../../components/Field";
import { Note } from "../../components/Problem";
import { Sheet } from "../../components/Sheet";
import { wordsOf } from "../../i18n";
import { send, useSnapshot } from "../../state/store";
import { Rehearsal, SpeakerTest } from "../prejoin/SoundCheck";
import { Told } from "../shield/Told";
import { BlurSwitch } from "./BlurSwitch";
import { DevicePicker } from "./DevicePicker";
import { GlobalKeys } from "./GlobalKeys";
import styles from "./Settings.module.css";

const LANGUAGES: readonly Language[] = ["system", "ja", "en"];
const THEMES: readonly Theme[] = ["system", "light", "dark", "contrast"];
const NOISES: readonly NoiseSuppression[] = ["off", "standard", "strong"];

/** The dialog. */
export function Settings({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet title={t("settings.title")} open={open} onClose={onClose} width="l">
      <Part title={t("settings.you")}>
        <NameForm />
      </Part>
      <Part title={t("settings.look")}>
        <Look />
      </Part>
      <Part title={t("settings.devices")}>
        <Devices />
      </Part>
      <Part title={t("settings.sound")}>
        <Sound />
      </Part>
      <Part title={t("settings.safety")}>
        <Safety />
      </Part>
      <Part title={t("settings.shortcuts")}>
        <Keys />
      </Part>
      <Part title={t("keys.title")}>
        <GlobalKeys />
      </Part>
      <Part title={t("settings.about")}>
        <About />
      </Part>
    </Sheet>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.part} aria-label={title}>
      <h3 className={styles.partTitle}>{title}</h3>
      <div className={styles.partBody}>{children}</div>
    </section>
  );
}

function NameForm() {
  const { t } = useTranslation();
  const saved = useSnapshot((s) => s.settings.name) ?? "";
  const [name, setName] = useState(saved);
  useEffect(() => setName(saved), [saved]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() !== "") void send("change_settings", { name: name.trim() });
  };
  return (
    <form className={styles.nameForm} onSubmit={submit}>
      <TextInput
        label={t("settings.name")}
        value={name}
        onChange={setName}
        hint={t("settings.nameHint")}
        maxLength={96}
      />
      <Button type="submit" isDisabled={name.trim() === "" || name.trim() === saved}>
        {t("settings.save")}
      </Button>
    </form>
  );
}

const LANGUAGE_WORDS = {
  system: "settings.languageSystem",
  ja: "settings.languageJa",
  en: "settings.languageEn",
} as const;
const THEME_WORDS = {
  system: "settings.themeSystem",
  light: "settings.themeLight",
  dark: "settings.themeDark",
  contrast: "settings.themeContrast",
} as const;

function Look() {
  const { t } = useTranslation();
  const settings = useSnapshot((s) => s.settings);
  return (
    <>
      <Segments
        label={t("settings.language")}
        options={LANGUAGES.map((id) => ({ id, label: t(LANGUAGE_WORDS[id]) }))}
        value={settings.language}
        onChange={(id) => {
          const language = LANGUAGES.find((l) => l === id);
          if (language) void send("change_settings", { language });
        }}
      />
      <Segments
        label={t("settings.theme")}
        options={THEMES.map((id) => ({ id, label: t(THEME_WORDS[id]) }))}
        value={settings.theme}
        onChange={(id) => {
          const theme = THEMES.find((th) => th === id);
          if (theme) void send("change_settings", { theme });
        }}
      />
      <Toggle
        label={t("settings.mirror")}
        hint={t("settings.mirrorHint")}
        on={settings.mirror}
        onChange={(mirror) => void send("change_settings", { mirror })}
      />
    </>
  );
}

function Devices() {
  const { t } = useTranslation();
  return (
    <>
      <DevicePicker kind="microphone" />
      <DevicePicker kind="speaker" />
      <DevicePicker kind="camera" />
      <BlurSwitch hint />
      <Rehearsal />
      <div className={styles.row}>
        <SpeakerTest />
        <Button look="quiet" icon="refresh" onPress={() => void send("refresh_devices", {})}>
          {t("prejoin.refresh")}
        </Button>
      </div>
    </>
  );
}

const NOISE_WORDS = {
  off: "settings.noiseOff",
  standard: "settings.noiseStandard",
  strong: "settings.noiseStrong",
} as const;

function Sound() {
  const { t } = useTranslation();
  const settings = useSnapshot((s) => s.settings);
  return (
    <>
      <Toggle
        label={t("settings.echo")}
        hint={t("settings.echoHint")}
        on={settings.echo_cancellation}
        onChange={(on) => void send("change_settings", { echo_cancellation: on })}
      />
      <Segments
        label={t("settings.noise")}
        hint={t("settings.noiseHint")}
        options={NOISES.map((id) => ({ id, label: t(NOISE_WORDS[id]) }))}
        value={settings.noise_suppression}
        onChange={(id) => {
          const noise = NOISES.find((n) => n === id);
          if (noise) void send("change_settings", { noise_suppression: noise });
        }}
      />
      <Toggle
        label={t("settings.gain")}
        hint={t("settings.gainHint")}
        on={settings.automatic_gain}
        onChange={(on) => void send("change_settings", { automatic_gain: on })}
      />
    </>
  );
}

function Safety() {
  const { t } = useTranslation();
  const vault = useSnapshot((s) => s.vault);
  const shield = useSnapshot((s) => s.shield);
  const strict = useSnapshot((s) => s.settings.cover_unfocused);
  const os = useSnapshot((s) => s.about.os);
  return (
    <>
      {vault.is === "keyring" ? (
        <Note look="info" title={t("vault.keyring", { name: vault.name })} />
      ) : (
        <Note look="warning" title={wordsOf(vault.code).title}>
          <p>{t("vault.memory")}</p>
          <p>{wordsOf(vault.code).hint}</p>
        </Note>
      )}
      <Note look={shield.failed ? "warning" : "info"} title={t("shield.title")}>
        <Told shield={shield} />
      </Note>
      {os === "linux" && (
        <Toggle
          label={t("shield.strict")}
          hint={t("shield.strictHint")}
          on={strict}
          onChange={(on) => void send("change_settings", { cover_unfocused: on })}
        />
      )}
    </>
  );
}

const KEYS = [
  { keys: ["M", "Ctrl+D"], words: "settings.keyMicrophone" },
  { keys: ["Space"], words: "settings.keyTalk" },
  { keys: ["V", "Ctrl+E"], words: "settings.keyCamera" },
  { keys: ["S"], words: "settings.keyShare" },
  { keys: ["G"], words: "settings.keyMegaphone" },
  { keys: ["P"], words: "settings.keyPeople" },
  { keys: ["I"], words: "settings.keyInvite" },
  { keys: ["Page Up", "Page Down"], words: "settings.keyPages" },
  { keys: ["+", "−", "0", "1"], words: "settings.keyZoom" },
  { keys: ["Esc"], words: "settings.keyClose" },
] as const;

function Keys() {
  const { t } = useTranslation();
  return (
    <dl className={styles.keys}>
      {KEYS.map(({ keys, words }) => (
        <div key={words}>
          <dt>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{t(words)}</dd>
        </div>
      ))}
    </dl>
  );
}

function About() {
  const { t } = useTranslation();
  const about = useSnapshot((s) => s.about);
  return (
    <div className={styles.about}>
      <p>{t("settings.version", { version: about.version, os: about.os })}</p>
      <p>{t("settings.licence")}</p>
      <p>{t("settings.libraries")}</p>
    </div>
  );
}
