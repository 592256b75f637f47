//! Keeps a part of the page that breaks from taking the rest with it.

import type { ErrorInfo, ReactNode } from "react";
import { Component } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../components/Button";
import styles from "./App.module.css";

interface Props {
  /** Around the whole page: offers to load it again. */
  whole?: boolean;
  children: ReactNode;
}

/** A wall around a feature. */
export class ErrorWall extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    // Names of components and our own messages; nothing people typed.
    console.error("a part of the page broke", error.name, info.componentStack);
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return <Broken whole={this.props.whole ?? false} onAgain={() => this.setState({ broken: false })} />;
  }
}

function Broken({ whole, onAgain }: { whole: boolean; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={styles.broken} role="alert">
      <h2>{t("app.broken")}</h2>
      <p>{t("app.brokenHint")}</p>
      <div className={styles.actions}>
        <Button look="primary" icon="refresh" onPress={onAgain}>
          {t("app.again")}
        </Button>
        {whole && <Button onPress={() => location.reload()}>{t("app.reload")}</Button>}
      </div>
    </div>
  );
}
