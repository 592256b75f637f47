//! Buttons: with words, and with a pictogram and a tip.

import type { ReactNode } from "react";
import type { ButtonProps as AriaButtonProps } from "react-aria-components";
import { Button as AriaButton, Tooltip, TooltipTrigger } from "react-aria-components";
import styles from "./Button.module.css";
import type { IconName } from "./Icon";
import { Icon } from "./Icon";

interface ButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children"> {
  look?: "primary" | "plain" | "quiet" | "danger";
  size?: "m" | "l";
  icon?: IconName;
  wide?: boolean;
  children: ReactNode;
}

/** A button with words. */
export function Button({ look = "plain", size = "m", icon, wide = false, children, ...rest }: ButtonProps) {
  return (
    <AriaButton
      {...rest}
      className={styles.button ?? ""}
      data-look={look}
      data-size={size}
      data-wide={wide || undefined}
    >
      {icon && <Icon name={icon} size={size === "l" ? 20 : 18} />}
      <span>{children}</span>
    </AriaButton>
  );
}

interface IconButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children" | "aria-label"> {
  icon: IconName;
  label: string;
  tip?: string;
  size?: "s" | "m";
}

/** A button with a pictogram; `label` is its name, and its tip unless there is another. */
export function IconButton({ icon, label, tip, size = "m", ...rest }: IconButtonProps) {
  return (
    <WithTip tip={tip ?? label}>
      <AriaButton {...rest} aria-label={label} className={styles.iconButton ?? ""} data-size={size}>
        <Icon name={icon} size={size === "s" ? 16 : 20} />
      </AriaButton>
    </WithTip>
  );
}

/** Shows a tip on hover and focus. The first child must be a control. */
export function WithTip({ tip, children }: { tip: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={500} closeDelay={80}>
      {children}
      <Tooltip className={styles.tip ?? ""} offset={8}>
        {tip}
      </Tooltip>
    </TooltipTrigger>
  );
}
