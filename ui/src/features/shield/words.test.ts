//! Which help fits whom.

import { expect, test } from "vitest";
import type { ShieldStatus } from "../../bridge/generated/bridge";
import { helpFor, missesWhenShared, strongest } from "./words";

const status = (mechanism: ShieldStatus["mechanism"], level: ShieldStatus["level"] = "none"): ShieldStatus => ({
  level,
  mechanism,
  failed: false,
  test: null,
});

test("the help is about what this computer can change", () => {
  expect(helpFor(status("unsupported"), "detect", "linux")).toBe("linux");
  expect(helpFor(status("unsupported"), "detect", "freebsd")).toBe("other");
  expect(helpFor(status("x11_watch", "detect"), "block", "linux")).toBe("x11Module");
  expect(helpFor({ ...status("x11_watch", "detect"), failed: true }, "block", "linux")).toBe("x11Again");
  expect(helpFor(status("x11_watch"), "detect", "linux")).toBe("x11Again");
  expect(helpFor(status("x11_module"), "block", "linux")).toBe("x11ModuleCheck");
  expect(helpFor(status("windows_monitor", "deter"), "block", "windows")).toBe("windowsUpdate");
  expect(helpFor(status("macos_sharing_type", "deter"), "detect", "macos")).toBe("macos");
  expect(helpFor(status("wayland_watch"), "block", "linux")).toBe("wayland");
});

test("a window is missing on a shared screen only where the system leaves it out", () => {
  expect(missesWhenShared(status("x11_module", "block"))).toBe(true);
  expect(missesWhenShared(status("x11_watch", "detect"))).toBe(false);
  expect(missesWhenShared(status("windows_exclude_from_capture", "deter"))).toBe(true);
  expect(missesWhenShared({ ...status("windows_exclude_from_capture", "deter"), failed: true })).toBe(false);
});

test("of two demands the stronger counts", () => {
  expect(strongest("deter", "block")).toBe("block");
  expect(strongest("detect", "none")).toBe("detect");
});
