//! A text that is there to be copied.

import { useEffect, useState } from "react";
import { Input, Label, TextField } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button } from "./Button";
import styles from "./CopyField.module.css";

/** The text and its button, which takes the focus: what was pressed to get here is gone. */
export function CopyField({ label, value, action }: { label: string; value: string; action: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 3_000);
    return () => clearTimeout(timer);
  }, [copied]);

  return (
    <div className={styles.field}>
      <TextField value={value} isReadOnly className={styles.text ?? ""}>
        <Label className={styles.label ?? ""}>{label}</Label>
        <Input className={styles.input ?? ""} onFocus={(event) => event.currentTarget.select()} />
      </TextField>
      <Button
        autoFocus
        look="primary"
        icon={copied ? "check" : "copy"}
        onPress={() => void copy(value).then(setCopied)}
      >
        {copied ? t("common.copied") : action}
      </Button>
      <span className="only-spoken" role="status">
        {copied ? t("common.copied") : ""}
      </span>
    </div>
  );
}

/** Copies a text; some webviews refuse the clipboard interface and still know the old command. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "only-spoken";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
