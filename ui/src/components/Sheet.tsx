//! What lies over the screen: dialogs, and small explanations beside a mark.

import type { ReactNode } from "react";
import { Dialog, DialogTrigger, Heading, Modal, ModalOverlay, Popover } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { IconButton } from "./Button";
import styles from "./Sheet.module.css";

interface SheetProps {
  title: string;
  open: boolean;
  onClose: () => void;
  width?: "s" | "m" | "l";
  children: ReactNode;
}

/** A dialog in the middle. Esc and the cross close it. */
export function Sheet({ title, open, onClose, width = "m", children }: SheetProps) {
  const { t } = useTranslation();
  return (
    <ModalOverlay
      className={styles.veil ?? ""}
      isOpen={open}
      isDismissable
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal className={styles.modal ?? ""} data-width={width}>
        <Dialog className={styles.dialog ?? ""}>
          <header className={styles.head}>
            <Heading slot="title" className={styles.title ?? ""}>
              {title}
            </Heading>
            <IconButton icon="close" label={t("common.close")} onPress={onClose} />
          </header>
          <div className={styles.body}>{children}</div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface BubbleProps {
  /** The control that opens it. */
  trigger: ReactNode;
  title: string;
  placement?: "top" | "bottom" | "bottom end" | "top end";
  children: ReactNode | ((close: () => void) => ReactNode);
  onOpenChange?: (open: boolean) => void;
  /** Set to steer it from outside. */
  open?: boolean | undefined;
}

/** A small explanation or menu beside the control that opens it. */
export function Bubble({ trigger, title, placement = "bottom", children, onOpenChange, open }: BubbleProps) {
  return (
    <DialogTrigger {...(onOpenChange ? { onOpenChange } : {})} {...(open === undefined ? {} : { isOpen: open })}>
      {trigger}
      <Popover className={styles.bubble ?? ""} placement={placement} offset={10}>
        <Dialog className={styles.bubbleBody ?? ""}>
          {({ close }) => (
            <>
              <Heading slot="title" className={styles.bubbleTitle ?? ""}>
                {title}
              </Heading>
              {typeof children === "function" ? children(close) : children}
            </>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
