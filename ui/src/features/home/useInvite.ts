//! Reads an invitation while it is being pasted: what it says, or what is wrong with it. The link goes to Rust and nowhere else.

import { useEffect, useState } from "react";
import { call } from "../../bridge/call";
import { failureOf } from "../../bridge/door";
import type { Code, InviteView } from "../../bridge/generated/bridge";

/** What is known about a pasted text. */
export type Reading =
  | { is: "empty" }
  | { is: "reading" }
  | { is: "read"; invite: InviteView }
  | { is: "wrong"; code: Code };

// Long enough not to ask for every letter of a link typed by hand.
const SETTLES = 150;

/** The reading of `link`. */
export function useInvite(link: string): Reading {
  const text = link.trim();
  const [answer, setAnswer] = useState<{ text: string; reading: Reading } | null>(null);
  useEffect(() => {
    if (text === "") return undefined;
    let current = true;
    const timer = setTimeout(() => {
      call("read_invite", { link: text }).then(
        (invite) => current && setAnswer({ text, reading: { is: "read", invite } }),
        (thrown: unknown) => current && setAnswer({ text, reading: { is: "wrong", code: failureOf(thrown).code } }),
      );
    }, SETTLES);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [text]);
  if (text === "") return { is: "empty" };
  return answer?.text === text ? answer.reading : { is: "reading" };
}
