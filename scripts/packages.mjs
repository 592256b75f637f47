// The system packages that building, running and testing need on Debian and Ubuntu, and how they get there.
// With root or sudo they are installed; without, the one command to run is printed. Other systems are told the names.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { run, Trouble, which } from "./steps.mjs";

/** To build the whole product. */
export const build = [
  "build-essential",
  "pkg-config",
  "cmake",
  "nasm",
  "clang",
  "libclang-dev",
  "libasound2-dev",
  "libpipewire-0.3-dev",
  "libwebkit2gtk-4.1-dev",
  "libayatana-appindicator3-dev",
];

/** To run it: the page decodes pictures with GStreamer, and needs letters for Japanese; screens under Wayland come from PipeWire. */
export const runtime = [
  "gstreamer1.0-plugins-base",
  "gstreamer1.0-plugins-good",
  "gstreamer1.0-libav",
  "fonts-noto-cjk",
  "libpipewire-0.3-0",
];

/** To test it without a screen, a sound card or a camera. */
export const test = [
  "xvfb",
  "imagemagick",
  "pulseaudio",
  "pulseaudio-utils",
  "pipewire",
  "wireplumber",
  "webkit2gtk-driver",
  "espeak-ng",
  "sox",
  "openbox",
  "xdotool",
  "x11-xserver-utils",
  "x11-utils",
  "xserver-xorg-core",
  "xserver-xorg-video-dummy",
  "chromium",
  "dbus",
  "gnome-keyring",
  "iproute2",
  "python3-venv",
];

/** To build the Xorg module against the headers of this system's server. */
export const xorg = ["build-essential", "pkg-config", "xserver-xorg-dev", "libx11-dev"];

/** What building for another system needs: Debian's Rust with its library sources, and what compiles programs of this one. */
const cross = ["rustc-web", "cargo-web", "rust-web-src", "build-essential", "cmake"];

/** Mingw-w64 and wine, with a sound server for it. */
export const windows = [...cross, "g++-mingw-w64-x86-64-posix", "wine", "wine64", "pulseaudio", "pulseaudio-utils"];

/** Clang as a compiler for Apple's targets. */
export const macos = [...cross, "clang", "llvm"];

/** Which of these are not installed. */
export function missing(packages) {
  const answer = spawnSync("dpkg-query", ["-W", "-f=${Package} ${db:Status-Status}\n", ...packages], {
    encoding: "utf8",
  });
  const installed = new Set(
    answer.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/** Installs what is missing, or says what to do. Nothing to do outside Linux. */
export async function install(packages, what) {
  if (process.platform !== "linux") return;
  if (!existsSync("/usr/bin/dpkg-query") || !which("apt-get")) {
    console.log(
      `This is not Debian or Ubuntu, so ${what} cannot be installed from here.\n` +
        `If the build fails, install what your system calls: ${packages.join(" ")}`,
    );
    return;
  }
  const lacking = missing(packages);
  if (lacking.length === 0) return;
  const command = ["apt-get", "install", "--yes", "--no-install-recommends", ...lacking];
  const root = process.getuid() === 0;
  const sudo = !root && spawnSync("sudo", ["-n", "true"]).status === 0;
  const asking = !root && !sudo && which("sudo") && process.stdin.isTTY && process.stdout.isTTY;
  if (!root && !sudo && !asking) {
    throw new Trouble(
      `${what} needs packages that are not installed. Run this once, then try again:\n\n  sudo ${command.join(" ")}\n`,
    );
  }
  console.log(`Installing ${lacking.join(", ")} …`);
  const before = root ? [] : ["sudo"];
  if (asking) {
    // sudo asks for the password on the terminal itself.
    spawnSync("sudo", ["-v"], { stdio: "inherit" });
  }
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  const install = () => run([...before, ...command][0], [...before, ...command].slice(1), { env: environment, quiet: true });
  let result = await install();
  if (result.code !== 0) {
    // The list of packages may be old.
    const update = [...before, "apt-get", "update", "--quiet"];
    await run(update[0], update.slice(1), { quiet: true });
    result = await install();
  }
  if (result.code !== 0) {
    throw new Trouble(`apt-get could not install ${lacking.join(", ")}:\n${result.text.split("\n").slice(-12).join("\n")}`);
  }
}

// `node scripts/packages.mjs windows` for the shell scripts.
if (process.argv[1]?.endsWith("packages.mjs") && process.argv[2]) {
  const lists = { build, runtime, test, windows, macos };
  const list = lists[process.argv[2]];
  try {
    if (!list) throw new Trouble(`no list called ${process.argv[2]}`);
    await install(list, `the ${process.argv[2]} part`);
  } catch (error) {
    console.error(error instanceof Trouble ? error.message : error);
    process.exit(1);
  }
}
