// Runs commands one after the other under headings, counts what they report and says it all at the end.
// Used by test.mjs and start.mjs. Holds no knowledge of what is built.
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** A problem that a person can mend; printed as it is, without a stack. */
export class Trouble extends Error {}

/** Where a program is, or `undefined`. */
export function which(program) {
  const finder = process.platform === "win32" ? "where" : "which";
  const found = spawnSync(finder, [program], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.split(/\r?\n/)[0] : undefined;
}

/** Short answer of a command, or `undefined` when it does not run. */
export function ask(program, args = [], options = {}) {
  const answer = spawnSync(program, args, { cwd: top, encoding: "utf8", ...shell(program), ...options });
  return answer.status === 0 ? answer.stdout.trim() : undefined;
}

// npm and npx are batch files on Windows, which only a shell can start.
function shell(program) {
  return { shell: process.platform === "win32" && ["npm", "npx"].includes(program) };
}

/** Runs a command with its output on screen; answers its exit code and everything it said. */
export function run(program, args = [], { env = {}, cwd = top, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...shell(program),
    });
    const said = [];
    for (const [stream, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream.on("data", (bytes) => {
        said.push(bytes);
        if (!quiet) to.write(bytes);
      });
    }
    child.on("error", (error) => resolve({ code: 127, text: `${program}: ${error.message}` }));
    child.on("close", (code, signal) => {
      resolve({ code: code ?? 1, signal, text: Buffer.concat(said).toString("utf8") });
    });
  });
}

/** Runs a command that has to work. */
export async function must(program, args = [], options = {}) {
  const { code, text } = await run(program, args, options);
  if (code !== 0) {
    throw new Trouble(`\`${[program, ...args].join(" ")}\` ended with ${code}.${options.quiet ? gist(text) : ""}`);
  }
  return text;
}

/** The beginning and the end of a long output: npm says the reason first, compilers say it last. */
function gist(text) {
  const lines = text.trim().split("\n");
  const some = lines.length <= 40 ? lines : [...lines.slice(0, 20), "…", ...lines.slice(-20)];
  return `\n${some.join("\n")}`;
}

/** What the output of a test runner says: cargo test, vitest, or a last line `N passed, N failed, N skipped`. */
export function countTests(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of plain.matchAll(
    /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(ignored);
  }
  for (const [, line] of plain.matchAll(/^\s*Tests\s{2,}(.*)$/gm)) {
    total.passed += Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
    total.failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
    total.skipped += Number(/(\d+) (?:skipped|todo)/.exec(line)?.[1] ?? 0);
  }
  for (const [, passed, failed, skipped] of plain.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(skipped);
  }
  return total;
}

const minutes = (ms) => `${Math.floor(ms / 60000)} min ${String(Math.round((ms % 60000) / 1000)).padStart(2, "0")} s`;

/** Collects what every section came to. */
export class Report {
  started = Date.now();
  total = { passed: 0, failed: 0, skipped: 0 };
  lines = [];

  /** Milliseconds since the start. */
  get elapsed() {
    return Date.now() - this.started;
  }

  /**
   * One section: `work` answers `{ code, text }`. Exit code 77 means skipped, by the old custom of test suites.
   * A section without counts of its own counts as one.
   */
  async section(title, work) {
    const began = Date.now();
    console.log(`\n━━━ ${title}`);
    let code = 1;
    let text = "";
    try {
      ({ code, text } = await work());
    } catch (error) {
      text = error instanceof Trouble ? error.message : String(error?.stack ?? error);
      console.error(text);
    }
    const counts = countTests(text);
    if (code === 77) {
      counts.skipped += 1;
    } else if (code !== 0 && counts.failed === 0) {
      counts.failed += 1;
    } else if (code === 0 && counts.passed + counts.failed + counts.skipped === 0) {
      counts.passed += 1;
    }
    for (const key of Object.keys(counts)) this.total[key] += counts[key];
    const verdict = code === 0 ? "ok" : code === 77 ? "SKIPPED" : "FAILED";
    const line = `${verdict.padEnd(8)}${minutes(Date.now() - began).padStart(13)}  ${title}`;
    this.lines.push(line);
    console.log(`━━━ ${line}`);
    return code === 0;
  }

  /** A section that is left out, and why; said loudly, because a skipped check proves nothing. */
  skip(title, why) {
    this.total.skipped += 1;
    this.lines.push(`${"SKIPPED".padEnd(21)}  ${title}: ${why}`);
    console.log(`\n━━━ SKIPPED  ${title}\n    ${why}`);
  }

  /** Prints everything once more; the last line is for machines. Answers the exit code. */
  finish() {
    const { passed, failed, skipped } = this.total;
    console.log(`\n━━━ ${minutes(this.elapsed)} in all`);
    for (const line of this.lines) console.log(`  ${line}`);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? 0 : 1;
  }
}
