// What has to be there before anything builds: Rust, Node, the page's packages, a Python environment for test peers.
// Writes only into node_modules/ and target/.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ask, must, Trouble, top, which } from "./steps.mjs";

const NODE = [20, 19];

const older = ([major, minor], [wantMajor, wantMinor]) => major < wantMajor || (major === wantMajor && minor < wantMinor);
const version = (text) => (/(\d+)\.(\d+)/.exec(text) ?? [0, 0, 0]).slice(1).map(Number);

/** Rust and Node, in versions that are new enough. */
export function requireTools() {
  const wantRust = version(/rust-version = "([^"]+)"/.exec(readFileSync(path.join(top, "Cargo.toml"), "utf8"))[1]);
  const rust = ask("cargo", ["--version"]);
  if (!rust) throw new Trouble("Rust is missing. Install it from https://rustup.rs, open a new terminal and try again.");
  if (older(version(rust), wantRust)) {
    throw new Trouble(`${rust} is too old; ${wantRust.join(".")} is needed. Run: rustup update stable`);
  }
  if (older(version(process.versions.node), NODE)) {
    throw new Trouble(`Node ${process.versions.node} is too old; ${NODE.join(".")} or newer is needed: https://nodejs.org`);
  }
  console.log(`${rust}; node ${process.versions.node}`);
}

/** The page's packages, exactly as locked; nothing is done when they are there already. */
export async function nodeModules() {
  const lock = readFileSync(path.join(top, "package-lock.json"));
  const stamp = createHash("sha256").update(lock).update(process.versions.node).digest("hex");
  const mark = path.join(top, "node_modules/.shoji-lock");
  if (existsSync(mark) && readFileSync(mark, "utf8") === stamp) return;
  console.log("Installing the page's packages (npm ci) …");
  await must("npm", ["ci", "--no-audit", "--no-fund"], { quiet: true });
  writeFileSync(mark, stamp);
}

/** A Python environment in target/ with the packages of a list, made once per list; answers its interpreter. */
export async function python(name, list, more = []) {
  const wanted = (list ? readFileSync(list, "utf8") : "") + more.join("\n");
  const folder = path.join(top, "target", `python-${name}`);
  const bin = path.join(folder, process.platform === "win32" ? "Scripts" : "bin");
  const interpreter = path.join(bin, process.platform === "win32" ? "python.exe" : "python");
  const mark = path.join(folder, ".shoji-list");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return interpreter;
  const base = which("python3") ?? which("python");
  if (!base) throw new Trouble("Python 3 is missing; the tests use it for peers that others wrote.");
  mkdirSync(path.dirname(folder), { recursive: true });
  await must(base, ["-m", "venv", "--clear", folder], { quiet: true });
  const what = [...(list ? ["-r", list] : []), ...more];
  await must(interpreter, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...what], { quiet: true });
  writeFileSync(mark, wanted);
  return interpreter;
}
