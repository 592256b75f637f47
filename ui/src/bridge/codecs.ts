//! Finds out what this page can decode, by decoding: `isConfigSupported` says yes to codecs that then fail.
//! The two key frames (64 x 64, ffmpeg's testsrc2 through x264 and libvpx) stand here as bytes, so nothing is fetched.

import type { Door } from "./door";
import type { PageCodecs } from "./generated/bridge";

/** What the decoder is told for our H.264: constrained baseline 3.1, Annex B (no `description`). */
export const H264 = "avc1.42e01f";
/** What the decoder is told for VP8. */
export const VP8 = "vp8";

const KEY_H264 =
  "AAAAAWdCwB/cQmwEQAAAAwBAAAADAIPGDOAAAAABaM4DEsgAAAFliIQ/xCIrBgQhpw4AA9/gBL0nHlfaB0gmQRG++EFbMu8r7TDd" +
  "pXtTIyynD097zUeeWsuPPzY6dntbvIz/6wICMxYYODQBnNOEx4SG8vZx+eLRFZB7ugjHWwtTX9CRZD8/EG2w3CiKgI/u1Pgsroiv" +
  "/+v/ADHrnq+z3vNR6T7s/Njp2e0a9fIOpScjVk5UcTsuHG5fjJZ+OgBISEuIc3c8hG8uTWb/BDvh28no6PHTws+n/z5Pe0MW1Te9" +
  "rFXEVAmoVvEAAF8wxWt+7/QKbpTnlf6DYmQQut/K/g3pJNjp7rOdaR30ikqYf7b5I3eKUr+2e88yjzbc1Ho9o83863nrcg6gYAAs" +
  "AiDHaBpuApU0KQVziC4hSjamYGim49+G16m1zUc5INsw3CM/z049+RHEVd2oX+BWyNQEPLnlfboO2N9/8gx676+xi27l06utLnz2" +
  "y6QdUdyy3VnvedHnlrLjz82OnZ7Y82KdG+ghDhAQ/JgsSsR2KCmKfjk49+CS4ihoq3R1GjFoz8qHsHKnWM067vlBWZ40VQAA4hCA" +
  "7DVi2//h32DoCiARZ7hCskNoEOtJKiK4F1WNjf///fxEoGG/7l+367HuC6hny/IDKxd/y9+/+AYBERe9u/13rW7iPhhHA0C/z/bw" +
  "PmBZP4+54+0ylSHOGyGGAfGEdw0e+B5iZZwtmGAAoGh54KqsPOFgAITyUjIGpJjEWKgMsQExwAfD+N+Cqur8FhICMAoVDwVSsREx" +
  "S3YAbmED+ppgGQAtLnCw4B5C14dB7Z2uBVlSV8Aja5B99seBtfq+ltAIBKMcGkmDpBygOkOXJJJBsAE33XX3lhnRn/WHAIBijhBf" +
  "uwX715N8B7XwhekViEIwYg2dQ6lFR3PNKn4EJDlgw3iSL2mrZo3lUjhF+7CnAKqtpdhCRGECyPwdBMcHQJgU4Cb6o8ESZhBZ34PD" +
  "Y8HgbH+nwHYctv+P8Xs0UnE9w6Uxl+EF3YICUpJHGhi8q1yZc6i/ekTO5+GHHxvIvf98GvTgc8EgIMF7zyXc0RDrVQMgCOVc4A==";
const KEY_VP8 =
  "8A0AnQEqQABAAAgHCIWFiJmEiCwCnBX4RpSIdjwla0gqg1pN++e52gPQ95c3Qw54PdT/Ur9AHphv9Q/YzF20Osk/4mbr1ELgH6ak" +
  "y/ErmX3Ir9O82sKoW5+H4Bbqc2hoxGvYr78gq80E6Ew74GSH6P+ySMWxXdJ2jP6eY2orHv45hcx8Q1zdeuIJsYzJRQZcu/2Ix8m8" +
  "Kz52v4XQHbG47HeOg2NuHwBFMXd3uiA2++sBWMs5NQRDZJT/zyij9EevfKuK2hFRa1VjJBytmmBkY6N56AD6GAb98YCRDn49N6Qx" +
  "+PKd29LgH8K39Y1SbsoLR7Ur8r1eDO9DFzgWHFcxxbdiUNF9+HfjvegLpY0UE+Igrd8OWcyQqRmMemGiqNn4KPdop5LRvgbLCTKs" +
  "Pgy433dwWiiQJgP+Fqq3RQWwWCLfb+tM1EvYm09UN9EYjuycYWjV5MayMoKWzaedE8gFAWJ99QURYh9yEwFu9YcgXOEAT49hz2wu" +
  "WWC2BczoiasthjmimreqE5kiyFAPSzxfVLd/5S5+wrAQSmp6uBKidebWjq+OEUivGFunsl6lw/pusp7vCEhZLCSUfuTmsDq9npoA" +
  "YXWQJBoQvHjaOPjyshoExDIbtd0f+ojf93/3Eo/HDLSlgAADvgAAPrVxXhMAAuRuAD2kmWzt63JrPdl71NAAjAe+YANZx+/qEqO4" +
  "K2noH4mu9AC8hPz/wCviLbLIsH5gQA==";

// A decoder that says nothing for so long never will.
const PATIENCE = 4_000;

/** Decodes one real key frame of each codec and tells Rust. */
export async function reportCodecs(door: Door): Promise<PageCodecs> {
  const [h264, vp8] = await Promise.all([decodes(H264, KEY_H264), decodes(VP8, KEY_VP8)]);
  const found = { h264, vp8 };
  await door.call("report_codecs", found);
  return found;
}

function decodes(codec: string, base64: string): Promise<boolean> {
  if (typeof VideoDecoder === "undefined") return Promise.resolve(false);
  return new Promise((resolve) => {
    let decoder: VideoDecoder | undefined;
    const settle = (works: boolean): void => {
      clearTimeout(timer);
      resolve(works);
      if (decoder && decoder.state !== "closed") decoder.close();
    };
    const timer = setTimeout(() => settle(false), PATIENCE);
    try {
      decoder = new VideoDecoder({
        output: (frame) => {
          const right = frame.displayWidth === 64 && frame.displayHeight === 64;
          frame.close();
          settle(right);
        },
        error: () => settle(false),
      });
      decoder.configure({ codec, optimizeForLatency: true });
      const data = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data }));
      decoder.flush().catch(() => settle(false));
    } catch {
      settle(false);
    }
  });
}
