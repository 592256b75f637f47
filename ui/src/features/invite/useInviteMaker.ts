//! Makes an invitation. The link lives in this hook while the dialog is open and nowhere else.

import { useCallback, useState } from "react";
import { call } from "../../bridge/call";
import { failureOf } from "../../bridge/door";
import type { Code, CreatedInvite, Role } from "../../bridge/generated/bridge";

/** What the dialog knows. */
export type Making =
  | { is: "idle" }
  | { is: "busy" }
  | { is: "made"; invite: CreatedInvite }
  | { is: "failed"; code: Code };

/** Making an invitation. */
export function useInviteMaker() {
  const [making, setMaking] = useState<Making>({ is: "idle" });
  const make = async (role: Role, hours: number): Promise<void> => {
    setMaking({ is: "busy" });
    try {
      setMaking({ is: "made", invite: await call("create_invite", { role, hours }) });
    } catch (thrown) {
      setMaking({ is: "failed", code: failureOf(thrown).code });
    }
  };
  const forget = useCallback(() => setMaking({ is: "idle" }), []);
  return { making, make: (role: Role, hours: number) => void make(role, hours), forget };
}
