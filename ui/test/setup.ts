//! Makes happy-dom enough of a browser for the tests, and takes down what each test drew.

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import { startWords } from "../src/i18n";

globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

startWords("ja");
afterEach(cleanup);
