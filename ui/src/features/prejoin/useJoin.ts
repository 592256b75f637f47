//! Carries a plan out: the command, its failure, and switches a recent meeting's command has no room for.

import { useRef, useState } from "react";
import { call } from "../../bridge/call";
import { failureOf } from "../../bridge/door";
import type { Failure } from "../../bridge/generated/bridge";
import { send, useSnapshot } from "../../state/store";
import type { JoinCommand, Plan } from "./plan";
import { commandOf } from "./plan";

/** A join that may be on its way. */
export interface Join {
  busy: boolean;
  failure: Failure | null;
  start(plan: Plan, microphone: boolean, camera: boolean): void;
  giveUp(): void;
}

/** Joining, for the preparations screen. */
export function useJoin(): Join {
  const joining = useSnapshot((s) => s.phase.at === "joining");
  const [sent, setSent] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  // A join that was given up fails, too; nobody needs to be told.
  const gaveUp = useRef(false);

  const run = async (plan: Plan, microphone: boolean, camera: boolean): Promise<void> => {
    gaveUp.current = false;
    setSent(true);
    setFailure(null);
    try {
      await carryOut(commandOf(plan, microphone, camera));
      if (plan.kind === "recent") {
        if (microphone) await send("set_microphone", { on: true });
        if (camera) await send("set_camera", { on: true });
      }
    } catch (thrown) {
      if (!gaveUp.current) setFailure(failureOf(thrown));
    } finally {
      setSent(false);
    }
  };

  return {
    busy: sent || joining,
    failure,
    start: (plan, microphone, camera) => void run(plan, microphone, camera),
    giveUp: () => {
      gaveUp.current = true;
      void send("leave", {});
    },
  };
}

function carryOut(command: JoinCommand): Promise<null> {
  switch (command.name) {
    case "host_meeting":
      return call(command.name, command.req);
    case "join_invite":
      return call(command.name, command.req);
    case "join_server":
      return call(command.name, command.req);
    case "join_recent":
      return call(command.name, command.req);
  }
}
