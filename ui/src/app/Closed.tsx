//! What a plain browser sees of a product build: nothing works outside the window, and it says so.

import { useTranslation } from "react-i18next";
import { Mark } from "../components/Icon";
import styles from "./App.module.css";

/** The page outside the app. */
export function Closed() {
  const { t } = useTranslation();
  return (
    <main className={styles.starting}>
      <Mark size={56} />
      <p>{t("app.notHere")}</p>
    </main>
  );
}
