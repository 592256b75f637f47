// One participant on the official browser SDK in headless Chromium, driven by arguments, told as JSON lines on stdout.
// Run by tests/interop. Serves its page on loopback only and opens nothing else. Lines on stdin: `mute NAME`,
// `unmute NAME`, `unpublish NAME`, `quality NAME low|medium|high`, `smuggle`, `leave`; the end of stdin means leave.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import puppeteer from "puppeteer-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const sdk = path.join(here, "../../node_modules/livekit-client/dist");
const { values: a } = parseArgs({
  options: {
    url: { type: "string" }, token: { type: "string" }, passphrase: { type: "string", default: "" },
    publish: { type: "string", default: "" }, codec: { type: "string", default: "vp8" },
    size: { type: "string", default: "640x360" }, hz: { type: "string", default: "660" },
    "listen-hz": { type: "string", default: "440,660,880" }, data: { type: "string", default: "" },
    seconds: { type: "string", default: "240" }, simulcast: { type: "boolean", default: false },
    forced: { type: "boolean", default: false }, red: { type: "boolean", default: false },
  },
});
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const files = {
  "/": [path.join(here, "browser_peer.html"), "text/html"],
  "/browser_page.js": [path.join(here, "browser_page.js"), "text/javascript"],
  "/livekit-client.umd.js": [path.join(sdk, "livekit-client.umd.js"), "text/javascript"],
  "/livekit-client.e2ee.worker.js": [path.join(sdk, "livekit-client.e2ee.worker.js"), "text/javascript"],
};
const server = createServer(async (request, response) => {
  const file = files[request.url];
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": file[1] }).end(await readFile(file[0]));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const profile = await mkdtemp(path.join(tmpdir(), "shoji-peer-"));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  userDataDir: profile,
  // The browser ends with the pipe, even when this process is killed.
  pipe: true,
  protocolTimeout: 120_000,
  timeout: 120_000,
  args: [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--disable-features=WebRtcHideLocalIpsWithMdns",
    // The host has its own CA; this browser is a stranger to it. Our own client pins instead.
    "--ignore-certificate-errors", "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  ],
});
try {
  const page = await browser.newPage();
  await page.exposeFunction("say", say);
  page.on("pageerror", (error) => say({ event: "page_error", error: String(error) }));
  page.on("requestfailed", (r) => say({ event: "request_failed", url: r.url().split("?")[0], why: r.failure()?.errorText }));
  page.on("console", (line) => { if (process.env.VERBOSE) process.stderr.write(`${line.text()}\n`); });
  page.on("response", (r) => { if (r.url().includes("/rtc")) say({ event: "response", url: r.url().split("?")[0], status: r.status() }); });
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const [width, height] = a.size.split("x").map(Number);
  const told = new Promise((leave) => {
    setTimeout(leave, Number(a.seconds) * 1000);
    const lines = createInterface({ input: process.stdin });
    lines.on("close", leave);
    lines.on("line", (line) => {
      const words = line.split(" ");
      if (words[0] === "leave") return leave();
      page.evaluate((w) => window.command(...w), words).catch((error) => say({ event: "page_error", error: String(error) }));
    });
  });
  await page.evaluate((options) => window.join(options), {
    url: a.url, token: a.token, passphrase: a.passphrase, publish: a.publish.split(",").filter(Boolean), codec: a.codec,
    width, height, hz: Number(a.hz), listenHz: a["listen-hz"].split(",").map(Number), data: a.data, simulcast: a.simulcast, forced: a.forced, red: a.red,
  });
  await told;
  await page.evaluate(() => window.command("leave"));
} catch (error) {
  say({ event: "page_error", error: String(error) });
  process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
say({ event: "done" });
process.exit();
