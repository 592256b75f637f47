//! The words: both languages have the same keys and blanks, every code has words, and nothing is written past them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CODES } from "../src/bridge/generated/bridge";
import { spoken, wordsOf } from "../src/i18n";
import en from "../src/i18n/en.json";
import ja from "../src/i18n/ja.json";

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, at = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const path = at === "" ? key : `${at}.${key}`;
    if (typeof value === "string") found.set(path, value);
    else for (const [inner, text] of leaves(value, path)) found.set(inner, text);
  }
  return found;
}

// English has a form for one; Japanese does not.
const plain = (keys: Iterable<string>): string[] =>
  [...new Set([...keys].map((key) => key.replace(/_(one|other)$/, "")))].sort();
const blanks = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "").sort();

const japanese = leaves(ja);
const english = leaves(en);
const source = join(import.meta.dirname, "../src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));

test("both languages have the same keys", () => {
  expect(plain(english.keys())).toEqual(plain(japanese.keys()));
});

test("both languages fill the same blanks", () => {
  for (const [key, text] of english) {
    const other = japanese.get(key) ?? japanese.get(key.replace(/_one$/, "_other"));
    expect(blanks(text), key).toEqual(blanks(other ?? ""));
  }
});

test("no text is empty, and only names are the same in both languages", () => {
  const names = new Set([
    "app.name",
    "home.linkPlaceholder",
    "meeting.pixels",
    "link.lossValue",
    "people.percent",
    "settings.languageJa",
    "settings.languageEn",
  ]);
  for (const [key, text] of japanese) {
    expect(text.trim(), key).not.toBe("");
    if (!names.has(key)) expect(english.get(key), `${key} is not translated`).not.toBe(text);
  }
});

test("every code says in both languages what happened and what to do", () => {
  expect(Object.keys(ja.codes).sort()).toEqual([...CODES].sort());
  expect(Object.keys(en.codes).sort()).toEqual([...CODES].sort());
  for (const code of CODES) {
    for (const words of [ja.codes[code], en.codes[code]]) {
      expect(words.title.length, code).toBeGreaterThan(3);
      expect(words.hint.length, code).toBeGreaterThan(5);
    }
  }
});

test("a name belongs into the words where there is a place for it", () => {
  for (const code of CODES) {
    const { title } = wordsOf(code, "U-1");
    expect(title.includes("U-1"), code).toBe("about" in ja.codes[code]);
    expect(wordsOf(code).title, code).not.toContain("{{");
  }
});

test("every word that is asked for exists, and every word is asked for", () => {
  const text = files.map((name) => readFileSync(join(source, name), "utf8")).join("\n");
  const asked = new Set([...text.matchAll(/"([a-zA-Z]+(?:\.\w+)+)"/g)].map((match) => match[1] ?? ""));
  const patterns = [...text.matchAll(/`([a-zA-Z]+\.[\w.]*\$\{[^`]*)`/g)].map(
    (match) => new RegExp(`^${(match[1] ?? "").replace(/\$\{[^}]*\}/g, "\\w+").replaceAll(".", "\\.")}$`),
  );
  const unused = plain(japanese.keys()).filter(
    (key) => !asked.has(key) && !patterns.some((pattern) => pattern.test(key)),
  );
  expect(unused).toEqual([]);
});

test("no Japanese stands in the code: the words are in the word files", () => {
  for (const name of files.filter((file) => !file.includes("fake/") && !file.endsWith("test.ts"))) {
    const text = readFileSync(join(source, name), "utf8")
      .replace(/(^|\s)\/\/.*$/gm, "")
      .replace(/\/\*[\s\S]*?\*\//g, "");
    expect(text, name).not.toMatch(/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u);
  }
});

test("words in attributes come from the word files too", () => {
  for (const name of files.filter((file) => file.endsWith(".tsx"))) {
    const text = readFileSync(join(source, name), "utf8");
    expect(text, name).not.toMatch(/\s(?:aria-label|title|label|alt|placeholder|tip|hint)="[^"]+"/);
  }
});

test("only the bridge talks to Tauri, and every file says what it is", () => {
  for (const name of files) {
    const text = readFileSync(join(source, name), "utf8");
    if (!name.startsWith("bridge")) expect(text, name).not.toContain("@tauri-apps");
    if (!name.includes("generated") && name !== "globals.d.ts") expect(text.startsWith("//!"), name).toBe(true);
  }
});

test("the language is what was set, else the system's, else Japanese", () => {
  expect(spoken("system", "")).toBe("ja");
  expect(spoken("system", "C")).toBe("ja");
  expect(spoken("system", "cs-CZ")).toBe("en");
  expect(spoken("system", "ja-JP")).toBe("ja");
  expect(spoken("system", "en-GB")).toBe("en");
  expect(spoken("ja", "en-GB")).toBe("ja");
  expect(spoken("en", "ja")).toBe("en");
});

test("a device without a name is called what it is", () => {
  expect(wordsOf("device_missing", null, "speaker").title).toBe("スピーカーが見つかりません");
  expect(wordsOf("device_missing").title).toBe("機器が見つかりません");
});
