// One end of a call on livekit-client in headless Chromium with the sound server's devices, as a web meeting runs it but
// without its processing of sound. Run by tests/voice/mouth_to_ear.py: ROLE URL TOKEN. Ends with its stdin.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const [role, url, token] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const sdk = path.join(here, "../../node_modules/livekit-client/dist/livekit-client.umd.js");
const server = createServer(async (request, response) => {
  if (request.url === "/sdk.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(await readFile(sdk));
  response.writeHead(200, { "content-type": "text/html" }).end('<!doctype html><script src="/sdk.js"></script>');
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const profile = await mkdtemp(path.join(tmpdir(), "shoji-browser-"));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  userDataDir: profile,
  pipe: true,
  // What it plays is what is measured.
  ignoreDefaultArgs: ["--mute-audio"],
  args: [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream", "--ignore-certificate-errors", "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  ],
});
try {
  const page = await browser.newPage();
  page.on("console", (line) => process.stderr.write(`${line.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate(
    async (a) => {
      const L = globalThis.LivekitClient;
      const room = new L.Room();
      room.on(L.RoomEvent.TrackSubscribed, (track) => document.documentElement.append(track.attach()));
      await room.connect(a.url, a.token);
      if (a.role !== "speak") return;
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      await room.localParticipant.publishTrack(await L.createLocalAudioTrack(plain), { dtx: false });
    },
    { role, url, token },
  );
  process.stdout.write('{"event":"connected"}\n');
  process.stdin.resume();
  await new Promise((ended) => {
    process.stdin.on("close", ended);
    process.on("SIGTERM", ended);
  });
} finally {
  await browser.close();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
