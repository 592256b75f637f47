// Chromium with livekit-client beside ours in the bench `screen-text`: one browser shares the X display of $DISPLAY, another
// one looks on and compares what it decoded with the truth. Run by tests/src/bench/screen_text/peer.rs: URL SHARER_TOKEN
// VIEWER_TOKEN LATE_TOKEN TRUTH_FOLDER CODEC. Lines on stdin: `forget`, `grab on|off`, `look NUMBER EPOCH_MS`, `count`, `late NUMBER`;
// each is answered by one JSON line. Ends with its stdin. Serves its page on loopback only.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const [url, sharerToken, viewerToken, lateToken, truth, codec] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const sdk = path.join(here, "../../node_modules/livekit-client/dist/livekit-client.umd.js");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const server = createServer(async (request, response) => {
  const number = /^\/truth\/(\d+)$/.exec(request.url)?.[1];
  if (request.url === "/sdk.js") {
    response.writeHead(200, { "content-type": "text/javascript" }).end(await readFile(sdk));
  } else if (number) {
    response.writeHead(200).end(await readFile(path.join(truth, `luma-${number}.raw`)));
  } else {
    response.writeHead(200, { "content-type": "text/html" }).end('<!doctype html><script src="/sdk.js"></script>');
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const folders = [];
async function open(headless) {
  const profile = await mkdtemp(path.join(tmpdir(), "shoji-screen-"));
  folders.push(profile);
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    userDataDir: profile,
    headless,
    pipe: true,
    protocolTimeout: 120_000,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--lang=en-US",
      "--allow-loopback-in-peer-connection", "--disable-background-timer-throttling",
      "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--window-size=400,300",
      "--disable-features=WebRtcHideLocalIpsWithMdns,CalculateNativeWinOcclusion",
      "--auto-select-desktop-capture-source=Entire screen", "--use-fake-ui-for-media-stream",
    ],
  });
  const page = await browser.newPage();
  page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return { browser, page };
}

// Runs inside the page of whoever looks on.
function prepare() {
  const LUMA = (r, g, b) => 16 + (66 * r + 129 * g + 25 * b + 128) / 256;
  const state = { frames: [], count: 0, grab: true };
  globalThis.state = state;
  globalThis.join = async (url, token) => {
    const L = globalThis.LivekitClient;
    const room = new L.Room({ adaptiveStream: false, dynacast: false });
    room.on(L.RoomEvent.TrackSubscribed, (track) => {
      if (track.kind !== "video") return;
      const video = track.attach();
      video.muted = true;
      document.documentElement.append(video);
      const canvas = new OffscreenCanvas(1920, 1080);
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      const next = () => {
        video.requestVideoFrameCallback(next);
        state.count += 1;
        if (!state.grab || video.videoWidth !== 1920 || state.frames.length > 120) return;
        const at = performance.timeOrigin + performance.now();
        pen.drawImage(video, 0, 0);
        const rgba = pen.getImageData(0, 0, 1920, 1080).data;
        const luma = new Uint8Array(1920 * 1080);
        for (let i = 0, j = 0; i < luma.length; i += 1, j += 4) luma[i] = LUMA(rgba[j], rgba[j + 1], rgba[j + 2]);
        state.frames.push({ at, luma });
      };
      video.requestVideoFrameCallback(next);
    });
    await room.connect(url, token, { autoSubscribe: true });
  };
  const ssim = (a, b, from, to) => {
    let [total, squares] = [0, 0];
    for (let top = from; top + 8 <= to; top += 8) {
      for (let left = 0; left + 8 <= 1920; left += 8) {
        let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
        for (let y = top; y < top + 8; y += 1) {
          for (let at = y * 1920 + left; at < y * 1920 + left + 8; at += 1) {
            const [p, q] = [a[at], b[at]];
            sa += p; sb += q; saa += p * p; sbb += q * q; sab += p * q;
          }
        }
        const [ma, mb] = [sa / 64, sb / 64];
        const [va, vb, cov] = [saa / 64 - ma * ma, sbb / 64 - mb * mb, sab / 64 - ma * mb];
        total += ((2 * ma * mb + 6.5025) * (2 * cov + 58.5225)) / ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225));
        squares += 1;
      }
    }
    return total / squares;
  };
  globalThis.compare = async (number) => {
    const truth = new Uint8Array(await (await fetch(`/truth/${number}`)).arrayBuffer());
    return state.frames.map(({ at, luma }) => {
      let sum = 0;
      for (let i = 0; i < luma.length; i += 1) sum += (luma[i] - truth[i]) ** 2;
      const stripes = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => ssim(luma, truth, n * 128, n * 128 + 128));
      const psnr = 10 * Math.log10((255 * 255 * luma.length) / Math.max(sum, 1));
      return { at, worst: Math.min(...stripes), ssim: ssim(luma, truth, 0, 1080), psnr };
    });
  };
}

const everyone = [];
try {
  const sharer = await open(false);
  everyone.push(sharer);
  const viewer = await open(true);
  everyone.push(viewer);
  await viewer.page.evaluate(prepare);
  await viewer.page.evaluate((u, t) => globalThis.join(u, t), url, viewerToken);
  const share = async (u, t, videoCodec) => {
    const L = globalThis.LivekitClient;
    const room = new L.Room();
    await room.connect(u, t);
    const resolution = { width: 1920, height: 1080, frameRate: 30 };
    const screenShareEncoding = { maxBitrate: 1_500_000, maxFramerate: 30 };
    await room.localParticipant.setScreenShareEnabled(
      true, { resolution, contentHint: "text" }, { videoCodec, simulcast: false, screenShareEncoding },
    );
  };
  const session = await sharer.page.createCDPSession();
  const expression = `(${share})(${[url, sharerToken, codec].map((word) => JSON.stringify(word)).join()})`;
  const shared = await session.send("Runtime.evaluate", { expression, userGesture: true, awaitPromise: true });
  if (shared.exceptionDetails) throw new Error(shared.exceptionDetails.exception?.description ?? "not shared");
  await viewer.page.waitForFunction(() => globalThis.state.count > 0, { timeout: 60_000 });
  say({ event: "ready", sharer: sharer.browser.process().pid, viewer: viewer.browser.process().pid });
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, ...words] = line.split(" ");
    if (what === "forget") {
      await viewer.page.evaluate(() => Object.assign(globalThis.state, { frames: [], count: 0 }));
      say({ event: "forgot" });
    } else if (what === "grab") {
      await viewer.page.evaluate((on) => Object.assign(globalThis.state, { grab: on, frames: [], count: 0 }), words[0] === "on");
      say({ event: "grabs" });
    } else if (what === "look") {
      const looks = await viewer.page.evaluate((n) => globalThis.compare(n), Number(words[0]));
      say({ event: "looks", looks: looks.map((look) => ({ ...look, at: look.at - Number(words[1]) })) });
    } else if (what === "count") {
      say({ event: "count", count: await viewer.page.evaluate(() => globalThis.state.count) });
    } else if (what === "late") {
      const late = await open(true);
      everyone.push(late);
      await late.page.evaluate(prepare);
      const start = Date.now();
      await late.page.evaluate((u, t) => globalThis.join(u, t), url, lateToken);
      const joined = Date.now();
      await new Promise((done) => setTimeout(done, 5000));
      const looks = await late.page.evaluate((n) => globalThis.compare(n), Number(words[0]));
      const sharp = looks.find((look) => look.ssim >= 0.99);
      say({ event: "late", ms: sharp ? sharp.at - joined : null, with_joining_ms: sharp ? sharp.at - start : null });
    }
  }
} catch (error) {
  say({ event: "failed", error: String(error) });
  process.exitCode = 1;
} finally {
  for (const { browser } of everyone) await browser.close();
  server.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
