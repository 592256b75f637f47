//! The screens on the rehearsal's door: what a person sees and does, by pointer and by keyboard, in both languages.

import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { openFace } from "./face";

const SCENES = [
  "home",
  "first",
  "fresh",
  "quiet",
  "clicked",
  "alone",
  "meeting",
  "sixteen",
  "crowd",
  "share",
  "two-shares",
  "apart",
  "open",
  "partly",
  "guest",
  "lost",
  "unsupported",
  "sound-only",
  "captured",
] as const;

async function violations(): Promise<string[]> {
  // Colours are measured in a real browser; happy-dom has no layout.
  const found = await axe.run(document.body, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

describe.each(SCENES)("scene %s", (scene) => {
  test.each(["ja", "en"])("has no accessibility fault in %s", async (lang) => {
    await openFace(`scene=${scene}&lang=${lang}`);
    expect(await violations()).toEqual([]);
  });
});

describe("home", () => {
  test("a fresh machine is in a meeting after one click, with microphone and camera closed", async () => {
    const { user, door } = await openFace("scene=fresh");
    await user.click(screen.getByRole("button", { name: "すぐに会議をひらく" }));
    expect(await screen.findByRole("toolbar", { name: "会議の操作" }, { timeout: 20_000 })).toBeTruthy();
    expect(door.snapshot.meeting?.title).toBe("佐藤 花子の会議");
    expect(door.snapshot.meeting?.microphone.is).toBe("off");
    expect(door.snapshot.meeting?.camera.is).toBe("off");
    expect(door.sent).not.toContain("set_preview");
  });

  test("one press of a key in a field is as good as the click", async () => {
    const { user, door } = await openFace("scene=fresh");
    const host = screen.getByRole("form", { name: "会議をひらく" });
    await user.type(within(host).getByLabelText("あなたの名前"), "{Enter}");
    expect(await screen.findByRole("toolbar", { name: "会議の操作" }, { timeout: 20_000 })).toBeTruthy();
    expect(door.sent).toContain("host_meeting");
  });

  test("who is unknown to the system starts as somebody, and the name stays easy to change", async () => {
    const { user, door } = await openFace("scene=first");
    const host = screen.getByRole("form", { name: "会議をひらく" });
    const name = within(host).getByLabelText<HTMLInputElement>("あなたの名前");
    expect(name.value).toBe("わたし");
    expect(within(host).getByLabelText<HTMLInputElement>("会議の名前").value).toBe("新しい会議");
    await user.clear(name);
    await user.type(name, "花子");
    expect(within(host).getByLabelText<HTMLInputElement>("会議の名前").value).toBe("花子の会議");
    await user.click(within(host).getByRole("button", { name: "カメラとマイクを確かめてから" }));
    await screen.findByRole("heading", { name: "「花子の会議」をひらきます" });
    expect(door.snapshot.settings.name).toBe("花子");
  });

  test("without a name nothing is opened", async () => {
    const { user, door } = await openFace("scene=first");
    const host = screen.getByRole("form", { name: "会議をひらく" });
    await user.clear(within(host).getByLabelText("あなたの名前"));
    await user.click(within(host).getByRole("button", { name: "すぐに会議をひらく" }));
    expect(await screen.findByText("名前を入力してください。")).toBeTruthy();
    expect(door.sent).not.toContain("host_meeting");
  });

  test("a meeting that does not open says why and offers to try again", async () => {
    const { user } = await openFace("scene=fresh&fails=port_in_use");
    await user.click(screen.getByRole("button", { name: "すぐに会議をひらく" }));
    expect(await screen.findByText("会場に使えるポートが空いていません")).toBeTruthy();
    expect(screen.getByRole("button", { name: "もう一度試す" })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "カメラとマイクを確かめてから" }));
    expect(await screen.findByRole("button", { name: "会議をひらく" })).toBeTruthy();
  });

  test("a pasted invitation shows room, expiry and key before anything is joined", async () => {
    const { user, door } = await openFace("scene=home");
    await user.click(screen.getByLabelText("招待リンク"));
    await user.paste("shoji://join/morning-talk?v=2#secret");
    expect(await screen.findByText("morning-talk")).toBeTruthy();
    expect(screen.getByTestId("fingerprint").textContent).toContain("9f3a");
    expect(door.sent).not.toContain("join_invite");
  });

  test.each([
    ["hello", "招待リンクではないようです"],
    ["shoji://join/room?v=2", "招待リンクが途中で切れています"],
    ["shoji://join/room?v=9#s", "この招待には、新しいバージョンの Shoji が必要です"],
    ["shoji://join/room?x=0#s", "招待の期限が切れています"],
  ])("%s is refused in words", async (link, words) => {
    const { user } = await openFace("scene=home");
    await user.click(screen.getByLabelText("招待リンク"));
    await user.paste(link);
    expect(await screen.findByText(words)).toBeTruthy();
    const join = screen.getByRole("form", { name: "招待で参加する" });
    expect(within(join).getByRole<HTMLButtonElement>("button", { name: "準備へ進む" }).disabled).toBe(true);
  });

  test("a link the system handed over is filled in", async () => {
    await openFace("scene=clicked");
    expect(screen.getByLabelText<HTMLInputElement>("招待リンク").value).toMatch(/^shoji:\/\/join\//);
  });

  test("a meeting whose secret is gone cannot be joined from the list", async () => {
    await openFace("scene=home");
    expect(screen.queryByRole("button", { name: "「採用面談（4 月）」に参加" })).toBeNull();
    expect(screen.getByText("新しい招待が必要です")).toBeTruthy();
  });

  test("without a keyring it says so", async () => {
    await openFace("scene=first");
    expect(screen.getByText("鍵を保存できません")).toBeTruthy();
  });
});

describe("preparations", () => {
  async function prepare(scene: string) {
    const opened = await openFace(scene);
    const host = screen.getByRole("form", { name: "会議をひらく" });
    await opened.user.click(within(host).getByRole("button", { name: "カメラとマイクを確かめてから" }));
    await screen.findByRole("button", { name: "会議をひらく" });
    return opened;
  }

  test("one hears oneself before a meeting", async () => {
    const { user, door } = await openFace("scene=home");
    await user.click(await screen.findByRole("button", { name: "設定" }));
    await user.click(await screen.findByRole("button", { name: "録音して聞いてみる" }));
    expect(await screen.findByRole("button", { name: "話してください…" })).toBeTruthy();
    expect(screen.getByText("録音はこのパソコンの外には出ません。")).toBeTruthy();
    expect(await screen.findByText(/声が入っています/, {}, { timeout: 10_000 })).toBeTruthy();
    expect(door.sent).toContain("test_microphone");
  });

  test("camera and microphone open for the preview and close on the way back", async () => {
    const { user, door } = await prepare("scene=home");
    await waitFor(() => expect(door.snapshot.devices.preview_track).toBe("preview"));
    await user.click(screen.getByRole("button", { name: "戻る" }));
    await waitFor(() => expect(door.snapshot.devices.preview_track).toBeNull());
  });

  test("joining shows its steps and ends in the meeting", async () => {
    const { user } = await prepare("scene=home");
    await user.click(screen.getByRole("button", { name: "会議をひらく" }));
    expect(await screen.findByText("会場を準備")).toBeTruthy();
    expect(await screen.findByRole("toolbar", { name: "会議の操作" }, { timeout: 20_000 })).toBeTruthy();
  });

  test("giving up leads back to the button", async () => {
    const { user } = await prepare("scene=home");
    await user.click(screen.getByRole("button", { name: "会議をひらく" }));
    await user.click(await screen.findByRole("button", { name: "キャンセル" }));
    expect(await screen.findByRole("button", { name: "会議をひらく" }, { timeout: 20_000 })).toBeTruthy();
  });

  test("a device that cannot be used says why and what to do", async () => {
    await prepare("scene=no-devices");
    expect(screen.getByText("マイクが見つかりません")).toBeTruthy();
    expect(screen.getByText("カメラがほかのアプリで使われています")).toBeTruthy();
  });

  test("a host with another key is refused in words", async () => {
    const { user } = await openFace("scene=home");
    await user.click(screen.getByLabelText("招待リンク"));
    await user.paste("shoji://join/changed?v=2#secret");
    await screen.findByText("morning-talk");
    const join = screen.getByRole("form", { name: "招待で参加する" });
    await user.click(within(join).getByRole("button", { name: "準備へ進む" }));
    await user.click(await screen.findByRole("button", { name: "参加する" }));
    expect(await screen.findByText("会場の鍵が招待と違うため、接続を中止しました")).toBeTruthy();
    expect(screen.getByRole("button", { name: "もう一度試す" })).toBeTruthy();
  });
});

describe("meeting", () => {
  test("who came in with both closed is told how to open them, until one is open", async () => {
    const { user, door } = await openFace("scene=quiet");
    expect(screen.getByText("マイクとカメラはオフです")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "マイクをオンにする" }));
    await waitFor(() => expect(door.snapshot.meeting?.microphone.is).toBe("on"));
    expect(screen.queryByText("マイクとカメラはオフです")).toBeNull();
    await user.keyboard("m");
    await waitFor(() => expect(door.snapshot.meeting?.microphone.is).toBe("off"));
    expect(screen.queryByText("マイクとカメラはオフです"), "once is enough").toBeNull();
  });

  test("the microphone shows as off only when Rust says so", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("m");
    await waitFor(() => expect(door.snapshot.meeting?.microphone.is).toBe("off"));
    expect(await screen.findByRole("button", { name: "マイク: オフ" })).toBeTruthy();
  });

  test("letters typed into a field are not shortcuts", async () => {
    const { user, door } = await openFace("scene=alone");
    await user.click(screen.getByRole("button", { name: "設定" }));
    await user.type(await screen.findByLabelText("名前"), "mvs");
    expect(door.sent).not.toContain("set_microphone");
  });

  test("the owner changes a right with the keyboard", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("p");
    await user.click(await screen.findByRole("tab", { name: "権限" }));
    screen.getByRole("switch", { name: "ゲストの画面共有" }).focus();
    await user.keyboard(" ");
    const guest = (): string[] => door.snapshot.meeting?.rights.find((row) => row.role === "guest")?.allowed ?? [];
    await waitFor(() => expect(guest()).toContain("screen_share"));
    expect(screen.queryByRole("switch", { name: "オーナーのマイク" })).toBeNull();
  });

  test("others see the rights and cannot change them", async () => {
    const { user } = await openFace("scene=guest");
    await user.keyboard("p");
    await user.click(await screen.findByRole("tab", { name: "権限" }));
    expect(screen.queryByRole("switch")).toBeNull();
  });

  test("what the role does not allow says so and sends nothing", async () => {
    const { user, door } = await openFace("scene=guest");
    await user.click(screen.getByRole("button", { name: /^カメラ. あなたの役割では使えません/ }));
    await user.keyboard("g");
    expect(door.sent).not.toContain("set_camera");
    expect(door.sent).not.toContain("set_megaphone");
  });

  test("a screen that cannot be shared says why", async () => {
    const { user } = await openFace("scene=unsupported");
    await user.click(screen.getByRole("button", { name: /画面共有. この環境では/ }));
    expect(await screen.findByText("共有された画面を見ることはできます。")).toBeTruthy();
  });

  test("a screen is chosen before it is shared, and stopped with one press", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("s");
    const choice = await screen.findByRole("button", { name: /HDMI-1/ });
    await waitFor(() => expect(door.sent).toContain("look_at_screens"));
    await user.click(choice);
    await waitFor(() => expect(door.snapshot.meeting?.share.is).toBe("on"));
    expect(door.sent.filter((name) => name === "look_at_screens").length).toBeGreaterThan(1);
    const bar = await screen.findByRole("toolbar");
    await user.click(within(bar).getByRole("button", { name: "共有を止める" }));
    await waitFor(() => expect(door.snapshot.meeting?.share.is).toBe("off"));
  });

  test("sound is shared only when asked for, and the choice is remembered", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("s");
    const sound = await screen.findByRole("switch", { name: /音声も共有する/ });
    expect(sound.getAttribute("aria-checked") === "true" || (sound as HTMLInputElement).checked).toBe(false);
    await user.click(sound);
    await user.click(await screen.findByRole("button", { name: /HDMI-1/ }));
    await waitFor(() => expect(door.snapshot.meeting?.share_sound.is).toBe("on"));
    expect(door.snapshot.settings.share_sound).toBe(true);
    await user.click(within(await screen.findByRole("toolbar")).getByRole("button", { name: "共有を止める" }));
    await waitFor(() => expect(door.snapshot.meeting?.share_sound.is).toBe("off"));
  });

  test("the mark says why a meeting is not sealed", async () => {
    const { user } = await openFace("scene=open");
    await user.click(screen.getByRole("button", { name: "E2E 暗号化なし" }));
    expect(await screen.findByText(/サーバーの管理者は内容を見聞きできます/)).toBeTruthy();
  });

  test("an invitation shows link, QR code and key, and is gone when the dialog closes", async () => {
    const { user } = await openFace("scene=alone");
    await user.keyboard("i");
    await user.click(await screen.findByRole("button", { name: "リンクを作る" }));
    const link = await screen.findByLabelText<HTMLInputElement>("招待リンク");
    expect(link.value).toMatch(/^shoji:\/\/join\/.*#/);
    expect(screen.getByAltText("招待リンクの QR コード")).toBeTruthy();
    expect(document.activeElement?.textContent, "the focus must stay in the dialog").toBe("リンクをコピー");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await user.keyboard("i");
    expect(await screen.findByRole("button", { name: "リンクを作る" })).toBeTruthy();
    expect(document.body.innerHTML).not.toContain(link.value);
  });

  test("a lost connection says what happens, and keeps the meeting on screen", async () => {
    await openFace("scene=lost");
    expect(screen.getByText(/自動でつなぎ直しています（3 回目）/)).toBeTruthy();
    expect(screen.getByRole("toolbar")).toBeTruthy();
  });

  test("others can be made quieter by the keyboard, for one's own ears", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("p");
    const sliders = await screen.findAllByRole("slider", { name: /さんの音量/ });
    expect(sliders.length).toBe((door.snapshot.meeting?.people.length ?? 0) - 1);
    sliders[0]?.focus();
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    await waitFor(() => expect(door.snapshot.meeting?.people[1]?.volume).toBe(80));
  });

  test("a refused command is told in the corner", async () => {
    const { user } = await openFace("scene=meeting");
    await user.keyboard("p");
    await user.click(await screen.findByRole("button", { name: /佐藤 花子 さんの役割/ }));
    await user.click(await screen.findByRole("option", { name: "ゲスト" }));
    expect(await screen.findByText("最後のオーナーは役割を変えられません")).toBeTruthy();
  });

  test("who hosts is asked whether the meeting ends for everyone", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.click(screen.getByRole("button", { name: "退出" }));
    await user.click(await screen.findByRole("button", { name: "全員の会議を終える" }));
    await waitFor(() => expect(door.snapshot.hosting).toBeNull());
    expect(await screen.findByRole("heading", { level: 1, name: /こんにちは/ })).toBeTruthy();
  });

  test("a shared screen gets a window of its own and comes back", async () => {
    const { user, door } = await openFace("scene=share");
    await user.click(screen.getByRole("button", { name: "別のウィンドウに表示" }));
    expect(await screen.findByText("鈴木 一郎 さんの画面は別のウィンドウに表示しています")).toBeTruthy();
    expect(screen.queryByRole("region", { name: "共有中の画面" })).toBeNull();
    expect(door.snapshot.meeting?.apart).toBe("TR_screen_share1");
    await user.click(screen.getByRole("button", { name: "会議のウィンドウに戻す" }));
    expect(await screen.findByRole("region", { name: "共有中の画面" })).toBeTruthy();
  });

  test("the window of a shared screen shows it under its mark, and nothing that sends", async () => {
    const { user, door } = await openFace("scene=apart&window=stage");
    const main = screen.getByRole("main", { name: "共有中の画面" });
    expect(within(main).getByRole("img", { name: "鈴木 一郎 さんの画面" })).toBeTruthy();
    expect(main.querySelectorAll("[data-watermark]").length).toBe(2);
    expect(screen.queryByRole("toolbar")).toBeNull();
    expect(await violations()).toEqual([]);
    await user.click(screen.getByRole("button", { name: "会議のウィンドウに戻す" }));
    expect(door.snapshot.meeting?.apart).toBeNull();
    expect(await screen.findByText("画面の共有は終わりました")).toBeTruthy();
  });

  test("more people than a page holds are on further pages, by button and by key", async () => {
    const { user } = await openFace("scene=crowd");
    const tiles = () => within(screen.getByRole("main")).getAllByRole("listitem").length;
    expect(screen.getByText("1 / 2 ページ")).toBeTruthy();
    expect(tiles()).toBe(16);
    await user.click(screen.getByRole("button", { name: "次のページ" }));
    expect(screen.getByText("2 / 2 ページ")).toBeTruthy();
    expect(tiles()).toBe(9);
    await user.keyboard("{PageUp}");
    expect(tiles()).toBe(16);
    await user.keyboard("{PageUp}{PageDown}{PageDown}{PageDown}");
    expect(tiles()).toBe(9);
  });
});

describe("keys to talk", () => {
  const held = (door: { snapshot: { meeting: { microphone: { is: string } } | null } }) =>
    door.snapshot.meeting?.microphone.is;
  const space = (type: "keydown" | "keyup", init: KeyboardEventInit = {}, at: EventTarget = document.body) =>
    at.dispatchEvent(new KeyboardEvent(type, { code: "Space", key: " ", bubbles: true, cancelable: true, ...init }));

  test("the space bar speaks while it is held", async () => {
    const { door } = await openFace("scene=quiet");
    space("keydown");
    await waitFor(() => expect(held(door)).toBe("on"));
    space("keydown", { repeat: true });
    space("keyup");
    await waitFor(() => expect(held(door)).toBe("off"));
    expect(door.sent.filter((name) => name === "hold_to_talk")).toHaveLength(2);
  });

  test("a window that loses the keyboard lets go", async () => {
    const { door } = await openFace("scene=quiet");
    space("keydown");
    await waitFor(() => expect(held(door)).toBe("on"));
    window.dispatchEvent(new Event("blur"));
    await waitFor(() => expect(held(door)).toBe("off"));
    // How often the page had said that it holds depends on how busy the machine is; after letting go it says nothing more.
    const said = (): number => door.sent.filter((name) => name === "hold_to_talk").length;
    const before = said();
    space("keydown", { repeat: true });
    expect(said(), "its repeats open nothing").toBe(before);
    expect(held(door)).toBe("off");
  });

  test("on a button, in a field and over a dialog the space bar is theirs", async () => {
    const { user, door } = await openFace("scene=quiet");
    space("keydown", {}, screen.getByRole("button", { name: "設定" }));
    await user.click(screen.getByRole("button", { name: "設定" }));
    const name = await screen.findByLabelText("名前");
    space("keydown", {}, name);
    space("keydown");
    expect(door.sent).not.toContain("hold_to_talk");
  });

  test("the microphone that waits is called muted, and why it is open", async () => {
    await openFace("scene=talk");
    expect(screen.getByRole("button", { name: "マイク: ミュート中・話す準備ができています" })).toBeTruthy();
  });

  test("a shortcut is pressed, refused in words, and cleared by keyboard", async () => {
    const { user, door } = await openFace("scene=home");
    await user.click(screen.getByRole("button", { name: "設定" }));
    const field = await screen.findByRole("button", { name: /^ミュートの切り替え/ });
    field.focus();
    await user.keyboard("{Enter}");
    expect(await screen.findByText(/使いたいキーを押します/)).toBeTruthy();
    await user.keyboard("m");
    expect(await screen.findByText(/この組み合わせは使えません/)).toBeTruthy();
    await user.keyboard("{Enter}{Control>}{Shift>}M{/Shift}{/Control}");
    await waitFor(() => expect(door.snapshot.shortcuts.mute.keys).toBe("Ctrl+Shift+M"));
    expect(await screen.findByText("会議中に使えます。")).toBeTruthy();
    await user.keyboard("{Enter}{F9}");
    expect(await screen.findByText(/このキーは割り当てられませんでした/)).toBeTruthy();
    await user.keyboard("{Enter}{Escape}");
    expect(screen.getByRole("dialog"), "Escape belongs to the field").toBeTruthy();
    await user.keyboard("{Enter}{Delete}");
    await waitFor(() => expect(door.snapshot.shortcuts.mute.keys).toBeNull());
  });
});

describe("settings", () => {
  test("language and colours change at once", async () => {
    const { user } = await openFace("scene=home");
    await user.click(screen.getByRole("button", { name: "設定" }));
    await user.click(await screen.findByRole("radio", { name: "English" }));
    expect(await screen.findByRole("heading", { name: "Settings" })).toBeTruthy();
    expect(document.documentElement.lang).toBe("en");
    await user.click(screen.getByRole("radio", { name: "High contrast" }));
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe("contrast"));
    await user.click(screen.getByRole("radio", { name: "日本語" }));
    expect(await screen.findByRole("heading", { name: "設定" })).toBeTruthy();
  });

  test("what is done to the own sound shows as Rust has it and changes in a meeting, too", async () => {
    const { user } = await openFace("scene=meeting");
    await user.click(screen.getByRole("button", { name: "設定" }));
    const sound = within(await screen.findByRole("region", { name: "自分の音声" }));
    const echo = sound.getByRole<HTMLInputElement>("switch", { name: /エコーキャンセル/ });
    const gain = sound.getByRole<HTMLInputElement>("switch", { name: /音量の自動調整/ });
    expect([echo.checked, gain.checked]).toEqual([true, true]);
    expect(sound.getByRole<HTMLInputElement>("radio", { name: "標準" }).checked).toBe(true);
    await user.click(echo);
    await user.click(sound.getByRole("radio", { name: "強め" }));
    await user.click(gain);
    await waitFor(() => expect([echo.checked, gain.checked]).toEqual([false, false]));
    expect(sound.getByRole<HTMLInputElement>("radio", { name: "強め" }).checked).toBe(true);
  });
});

describe("protection", () => {
  test("who gets sound only is told why and what would help", async () => {
    const { user } = await openFace("scene=sound-only");
    expect(screen.getByText("映像は届きません。音声だけ参加しています")).toBeTruthy();
    expect(
      screen.getByText(/「撮影に気づいて隠す」以上の保護が必要ですが、このパソコンは「保護なし」です/),
    ).toBeTruthy();
    expect(screen.getByText(/録画や画面共有のソフトを終了してから/)).toBeTruthy();
    expect(screen.getAllByText("保護が足りないため、映像は届きません").length).toBeGreaterThan(0);
    await user.click(screen.getByRole("button", { name: "保護なし" }));
    expect(await screen.findByText(/最後の自己テスト（.+）では、撮影に写ってしまいました。/)).toBeTruthy();
    expect(screen.getByText("この会議の映像を見るには「撮影に気づいて隠す」以上の保護が必要です。")).toBeTruthy();
  });

  test("without a minimum nothing of it is on screen", async () => {
    const { user } = await openFace("scene=meeting");
    expect(screen.queryByText("映像は届きません。音声だけ参加しています")).toBeNull();
    await user.keyboard("p");
    await screen.findByRole("tab", { name: "参加者" });
    expect(screen.queryByRole("switch", { name: /保護を免除する/ })).toBeNull();
  });

  test("the owner demands protection and exempts a person", async () => {
    const { user, door } = await openFace("scene=meeting");
    await user.keyboard("p");
    await user.click(await screen.findByRole("tab", { name: "権限" }));
    await user.click(await screen.findByRole("button", { name: /全員$/ }));
    await user.click(await screen.findByRole("option", { name: "「撮影に気づいて隠す」以上" }));
    await waitFor(() => expect(door.snapshot.meeting?.shield?.minimum.everyone).toBe("detect"));
    await user.click(screen.getByRole("tab", { name: "参加者" }));
    await user.click(await screen.findByRole("switch", { name: "鈴木 一郎 さんの保護を免除する" }));
    await waitFor(() => expect(door.snapshot.meeting?.people[1]?.exempt).toBe(true));
    expect(await screen.findByText(/撮影に写らない · 保護を免除/)).toBeTruthy();
  });

  test("who may not change the minimum reads it", async () => {
    const { user } = await openFace("scene=sound-only");
    await user.keyboard("p");
    await user.click(await screen.findByRole("tab", { name: "権限" }));
    const words = await screen.findAllByText("この会議の映像を見るには「撮影に気づいて隠す」以上の保護が必要です。");
    expect(words.length).toBe(1);
    expect(screen.queryByRole("button", { name: /全員$/ })).toBeNull();
  });

  test("a capture is told by name, program and what came of it", async () => {
    await openFace("scene=captured");
    expect(screen.getByText("鈴木 一郎 さんの画面が scrot（プロセス 4711） に撮影されました")).toBeTruthy();
    expect(screen.getByText("会議の画面は、その間覆われていました。 2 秒間続きました。")).toBeTruthy();
    expect(screen.getByText("この画面が scrot（プロセス 4711） に撮影されました")).toBeTruthy();
    expect(screen.getByText(/会議の画面は覆われていませんでした。写った可能性があります。/)).toBeTruthy();
  });

  test("whoever shares a screen is told why the meeting is missing on it, where it is", async () => {
    const { user } = await openFace("scene=captured");
    await user.keyboard("s");
    expect(await screen.findByText(/この会議のウィンドウは、共有した画面に写りません/)).toBeTruthy();
  });

  test("an unprotected window is not said to be missing", async () => {
    const { user } = await openFace("scene=meeting");
    await user.keyboard("s");
    await screen.findByText("何を共有しますか");
    expect(screen.queryByText(/この会議のウィンドウは、共有した画面に写りません/)).toBeNull();
  });
});
