//! The minute renews itself.

import { act, renderHook } from "@testing-library/react";
import { expect, onTestFinished, test, vi } from "vitest";
import { useMinute } from "./useMinute";

test("the minute changes when the clock's does, and not before", () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12, 0, 30) });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { result } = renderHook(useMinute);
  expect(new Date(result.current).toISOString()).toBe("2026-01-01T12:00:00.000Z");
  act(() => vi.advanceTimersByTime(29_900));
  expect(new Date(result.current).toISOString()).toBe("2026-01-01T12:00:00.000Z");
  act(() => vi.advanceTimersByTime(200));
  expect(new Date(result.current).toISOString()).toBe("2026-01-01T12:01:00.000Z");
  act(() => vi.advanceTimersByTime(60_000));
  expect(new Date(result.current).toISOString()).toBe("2026-01-01T12:02:00.000Z");
});
