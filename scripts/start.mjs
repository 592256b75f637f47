// `npm start`: installs what is missing, builds a release and opens the window.
//
//   npm start             the program
//   npm start -- --demo   the program hosting a meeting, with two simulated colleagues in it
//   npm start -- --build  everything but opening the window
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import * as packages from "./packages.mjs";
import { nodeModules, requireTools } from "./prepare.mjs";
import { must, Trouble, top } from "./steps.mjs";

const { values: flags } = parseArgs({
  options: { demo: { type: "boolean", default: false }, build: { type: "boolean", default: false } },
});

const exe = (name) => path.join(top, "target/release", process.platform === "win32" ? `${name}.exe` : name);

// Who sits in the demo meeting: a voice and a face each, and one of them shows a screen.
const COLLEAGUES = [
  { name: "佐藤 花子 (demo)", wav: "assets/speech/hanako.wav", screen: "none" },
  { name: "Alex Kim (demo)", wav: "assets/speech/alex.wav", screen: "synthetic" },
];

try {
  const steps = [
    ["Looking at this machine", requireTools],
    ["Installing missing system packages", () => packages.install([...packages.build, ...packages.runtime], "Shoji")],
    ["Installing the page's packages", nodeModules],
    ["Building the page", () => must("npm", ["run", "--silent", "ui:build"], { quiet: true })],
    ["Building the program (minutes the first time, seconds later)", buildProgram],
  ];
  for (const [index, [what, work]] of steps.entries()) {
    console.log(`[${index + 1}/${steps.length}] ${what}`);
    await work();
  }
  if (!flags.build) await open();
} catch (error) {
  console.error(`\n${error instanceof Trouble ? error.message : (error.stack ?? error)}`);
  process.exitCode = 1;
}

async function buildProgram() {
  const what = ["-p", "app", ...(flags.demo ? ["-p", "inspection", "--bin", "shoji", "--bin", "visitor"] : [])];
  await must("cargo", ["build", "--release", "--locked", ...what]);
}

async function open() {
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    throw new Trouble(
      "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open.\n" +
        "The program is built; start it from a desktop session with: npm start",
    );
  }
  console.log(flags.demo ? "Opening the demo meeting. Close the window to end it." : "Opening the window.");
  // A profile of its own: the demo neither reads nor changes what the user has set.
  const profile = flags.demo ? ["--profile", path.join(top, "target/demo-profile")] : [];
  const window = spawn(exe("shoji"), profile, {
    stdio: ["ignore", flags.demo ? "pipe" : "inherit", "inherit"],
    env: { ...process.env, ...(flags.demo ? { SHOJI_DEMO: "1" } : {}) },
  });
  const ended = new Promise((resolve, reject) => {
    window.on("error", (error) => reject(new Trouble(`The window did not open: ${error.message}`)));
    window.on("close", resolve);
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => window.kill(signal));
  const guests = flags.demo ? inviteColleagues(window) : [];
  process.exitCode = (await ended) ?? 1;
  for (const guest of await guests) guest.kill();
}

/** Waits for the invitation, which the window prints on a pipe that only we read, and lets the colleagues join. */
async function inviteColleagues(window) {
  const link = await new Promise((resolve) => {
    const lines = createInterface({ input: window.stdout });
    lines.on("line", (line) => {
      if (line.startsWith("shoji://join/")) resolve(line.trim());
      else console.log(line);
    });
    lines.on("close", () => resolve(undefined));
  });
  if (!link) return [];
  return COLLEAGUES.map(({ name, wav, screen }) => {
    const voice = path.join(top, wav);
    const args = ["--invite", "-", "--name", name, "--camera", "synthetic", "--screen", screen];
    if (existsSync(voice)) args.push("--wav", voice);
    // The link goes in through stdin: arguments can be read by every program on the machine.
    const guest = spawn(exe("visitor"), args, { stdio: ["pipe", "ignore", "inherit"] });
    guest.on("error", (error) => console.error(`${name} cannot come: ${error.message}`));
    guest.stdin.end(`${link}\n`);
    return guest;
  });
}
