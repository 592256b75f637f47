//! What the user is about to join. Kept by the page only between home and the meeting.

import type { TFunction } from "i18next";
import type { Commands } from "../../bridge/generated/bridge";

/** A meeting that was chosen and not yet joined. */
export type Plan =
  | { kind: "host"; title: string; name: string }
  | { kind: "invite"; title: string; name: string; link: string }
  | { kind: "server"; title: string; url: string; token: string; passphrase: string }
  | { kind: "recent"; title: string; id: string; own: boolean };

/** The command that carries a plan out. */
export type JoinCommand = {
  [K in "host_meeting" | "join_invite" | "join_server" | "join_recent"]: { name: K; req: Commands[K][0] };
}["host_meeting" | "join_invite" | "join_server" | "join_recent"];

/** A plan as a command. */
export function commandOf(plan: Plan, microphone: boolean, camera: boolean): JoinCommand {
  switch (plan.kind) {
    case "host":
      return { name: "host_meeting", req: { title: plan.title, name: plan.name, microphone, camera } };
    case "invite":
      return { name: "join_invite", req: { link: plan.link, name: plan.name, microphone, camera } };
    case "server":
      return {
        name: "join_server",
        req: { url: plan.url, token: plan.token, passphrase: plan.passphrase, microphone, camera },
      };
    case "recent":
      return { name: "join_recent", req: { id: plan.id } };
  }
}

/** Does it start the host inside this app? */
export const startsHost = (plan: Plan): boolean => plan.kind === "host" || (plan.kind === "recent" && plan.own);

/** What is about to happen, as a heading. */
export function titleOf(plan: Plan, t: TFunction): string {
  const { title } = plan;
  if (startsHost(plan)) return t("prejoin.host", { title });
  return plan.kind === "server" ? t("prejoin.server", { title }) : t("prejoin.invite", { title });
}
