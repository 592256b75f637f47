//! Makes happy-dom enough of a browser for the tests, and takes down what each test drew.

import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import { startWords } from "../src/i18n";

globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

// How long to wait before a test counts as hung; a busy machine is not a failure.
configure({ asyncUtilTimeout: 20_000 });
startWords("ja");
afterEach(cleanup);
