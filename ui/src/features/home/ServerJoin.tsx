//! Join any LiveKit server by URL and token. Folded away: most people never need it.

import type { FormEvent } from "react";
import { useState } from "react";
import { Button as AriaButton, Disclosure, DisclosurePanel, Heading } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/Button";
import { TextInput } from "../../components/Field";
import { Icon } from "../../components/Icon";
import type { Plan } from "../prejoin/plan";
import styles from "./Home.module.css";

/** The fold. The form is not there while it is folded, so that nobody tabs into something unseen. */
export function ServerJoin({ onPlan }: { onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Disclosure className={styles.fold ?? ""} isExpanded={open} onExpandedChange={setOpen}>
      <Heading level={2}>
        <AriaButton slot="trigger" className={styles.foldButton ?? ""}>
          <Icon name="server" size={18} />
          {t("home.serverTitle")}
          <Icon name="down" size={16} />
        </AriaButton>
      </Heading>
      <DisclosurePanel>{open && <ServerForm onPlan={onPlan} />}</DisclosurePanel>
    </Disclosure>
  );
}

function ServerForm({ onPlan }: { onPlan: (plan: Plan) => void }) {
  const { t } = useTranslation();
  const [url, setUrl] = useState("");
  const [token, setToken] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [tried, setTried] = useState(false);
  const missing = (text: string): string | undefined =>
    tried && text.trim() === "" ? t("home.fieldMissing") : undefined;

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (url.trim() === "" || token.trim() === "") return;
    onPlan({ kind: "server", title: hostOf(url.trim()), url: url.trim(), token: token.trim(), passphrase });
  };

  return (
    <form className={styles.serverForm} onSubmit={submit} noValidate aria-label={t("home.serverTitle")}>
      <p className={styles.lead}>{t("home.serverLead")}</p>
      <div className={styles.serverFields}>
        <TextInput
          label={t("home.url")}
          value={url}
          onChange={setUrl}
          placeholder={t("home.urlPlaceholder")}
          problem={missing(url)}
          mono
        />
        <TextInput label={t("home.token")} value={token} onChange={setToken} problem={missing(token)} secret mono />
        <TextInput
          label={t("home.passphrase")}
          value={passphrase}
          onChange={setPassphrase}
          hint={t("home.passphraseHint")}
          secret
        />
      </div>
      <Button type="submit">{t("home.joinNext")}</Button>
    </form>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
