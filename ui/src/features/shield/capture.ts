//! What a capture is called, for the person whose window it was and for owners.

import i18next from "i18next";
import type { CaptureView } from "../../bridge/generated/bridge";
import type { Words } from "../../i18n";
import { happening } from "./words";

/** What happened and what came of it. */
export function captureWords(capture: CaptureView): Words {
  const { t } = i18next;
  const { program, pid, seconds, covered } = capture.incident;
  const what = happening(capture);
  const named = program === null ? t("capture.someProgram") : program;
  const by = pid === null ? named : t("capture.process", { program: named, pid });
  const title =
    capture.person === null
      ? t(`capture.own.${what}`, { program: by })
      : t(`capture.other.${what}`, { person: capture.person, program: by });
  const lasted = seconds > 0 ? t("capture.seconds", { count: seconds }) : "";
  const end = t(covered ? "capture.covered" : "capture.bare");
  return { title, hint: [end, lasted].filter(Boolean).join(" ") };
}
