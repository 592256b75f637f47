//! Which microphone, speaker or camera; the first entry follows the system.

import { useTranslation } from "react-i18next";
import type { DeviceKind, DeviceView } from "../../bridge/generated/bridge";
import type { Option } from "../../components/Field";
import { Choice } from "../../components/Field";
import { send, useSnapshot } from "../../state/store";

const DEFAULT = "";

/** Chooses a device. */
export function DevicePicker({ kind }: { kind: DeviceKind }) {
  const { t } = useTranslation();
  const devices = useSnapshot((s) => s.devices);
  const list = { microphone: devices.microphones, speaker: devices.speakers, camera: devices.cameras }[kind];
  const chosen = devices[kind];
  const options = optionsOf(
    list,
    chosen,
    t("common.default"),
    (name) => t("common.defaultNamed", { name }),
    t("common.none"),
  );
  return (
    <Choice
      label={t(`prejoin.${kind}`)}
      options={list.length === 0 ? [{ id: DEFAULT, label: t("common.none") }] : options}
      value={list.length === 0 ? DEFAULT : (chosen ?? DEFAULT)}
      disabled={list.length === 0}
      onChange={(id) => void send("choose_device", { kind, device: id === DEFAULT ? null : id })}
    />
  );
}

function optionsOf(
  list: readonly DeviceView[],
  chosen: string | null,
  plain: string,
  named: (name: string) => string,
  missing: string,
): Option[] {
  const usual = list.find((device) => device.is_default);
  const options = [{ id: DEFAULT, label: usual ? named(usual.name) : plain }];
  for (const device of list) options.push({ id: device.id, label: device.name });
  // A chosen device that is unplugged stays in sight until another is chosen.
  if (chosen !== null && !list.some((device) => device.id === chosen)) options.push({ id: chosen, label: missing });
  return options;
}
