//! The few words that the page cannot say: in the window's title, in the tray, to whoever asked by command line.
//! Values only. Everything else is in the page's word files.

use client::Voice;
use protocol::bridge::{Language, MeetingView, SwitchState};

use crate::control::Answer;
use crate::mark::Unread;

/// The program's name.
pub(crate) const NAME: &str = "Shoji";

/// A language there are words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// 日本語.
    Ja,
    /// English.
    En,
}

impl Tongue {
    /// What was set, else what the system says, else Japanese: as `spoken` of the page.
    pub(crate) fn of(language: Language) -> Self {
        match language {
            Language::Ja => Self::Ja,
            Language::En => Self::En,
            Language::System => Self::spoken(&sys_locale::get_locale().unwrap_or_default()),
        }
    }

    fn spoken(system: &str) -> Self {
        let tongue = system.split(['-', '_', '.', '@']).next().unwrap_or_default().to_ascii_lowercase();
        // A system without a language of its own says "C" or nothing.
        if matches!(tongue.as_str(), "" | "c" | "posix" | "ja") { Self::Ja } else { Self::En }
    }

    const fn pick(self, ja: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }

    pub(crate) const fn muted(self) -> &'static str {
        self.pick("ミュート中", "Muted")
    }

    pub(crate) const fn live(self) -> &'static str {
        self.pick("マイクがオン", "Microphone on")
    }

    pub(crate) const fn mute(self) -> &'static str {
        self.pick("ミュートする", "Mute")
    }

    pub(crate) const fn unmute(self) -> &'static str {
        self.pick("ミュートを解除する", "Unmute")
    }

    pub(crate) const fn show(self) -> &'static str {
        self.pick("ウィンドウを表示", "Show window")
    }

    pub(crate) const fn leave(self) -> &'static str {
        self.pick("会議から退出", "Leave meeting")
    }

    /// The title of the window of a shared screen.
    pub(crate) const fn stage(self) -> &'static str {
        self.pick("共有画面 – Shoji", "Shared screen – Shoji")
    }

    pub(crate) const fn quit(self) -> &'static str {
        self.pick("Shoji を終了", "Quit Shoji")
    }

    /// What the desktop shows beside the keys of a shortcut.
    #[cfg(target_os = "linux")]
    pub(crate) const fn mutes(self) -> &'static str {
        self.pick("ミュートの切り替え", "Mute or unmute")
    }

    /// What the desktop shows beside the keys of a shortcut.
    #[cfg(target_os = "linux")]
    pub(crate) const fn talks(self) -> &'static str {
        self.pick("押している間だけ話す", "Hold to talk")
    }

    /// For whoever asked from a terminal.
    pub(crate) const fn answer(self, answer: Answer) -> &'static str {
        match answer {
            Answer::Done(Voice::Open) => self.live(),
            Answer::Done(Voice::Muted) => self.muted(),
            Answer::NoMeeting => self.pick("会議に参加していません", "Not in a meeting"),
            Answer::NotAllowed => self.pick("マイクを使う権限がありません", "Your role may not use the microphone"),
            Answer::Failed => self.pick("できませんでした", "It did not work"),
            Answer::NotRunning => self.pick("Shoji は起動していません", "Shoji is not running"),
        }
    }

    /// For whoever asked whose mark a picture bears.
    pub(crate) const fn unread(self, why: &Unread) -> &'static str {
        match why {
            Unread::NoHost => self.pick("このアプリで会議を開いたことがありません", "No meeting was ever hosted here"),
            Unread::NoKeyring | Unread::Vault(_) => self.pick("キーリングを開けません", "The keyring cannot be opened"),
            Unread::NoKeys | Unread::Keys(_) => {
                self.pick("会場の鍵が見つかりません", "The host's keys cannot be found")
            }
            Unread::Store(_) => self.pick("会場の記録を読めません", "What the host remembers cannot be read"),
            Unread::Picture(_) => self.pick("画像を読めません", "The picture cannot be read"),
        }
    }
}

/// Does this person's voice leave the machine? `None`: there is no meeting.
pub(crate) fn voice(meeting: Option<&MeetingView>) -> Option<Voice> {
    let on = |state: &SwitchState| match state {
        SwitchState::On { .. } => true,
        SwitchState::Off | SwitchState::Ready | SwitchState::Starting | SwitchState::Blocked { .. } => false,
    };
    meeting.map(|m| if on(&m.microphone) || on(&m.megaphone) { Voice::Open } else { Voice::Muted })
}

/// The window's title: whether this person is heard, which meeting, which program.
pub(crate) fn title(tongue: Tongue, meeting: Option<&MeetingView>) -> String {
    let state = voice(meeting).map(|voice| match voice {
        Voice::Open => tongue.live(),
        Voice::Muted => tongue.muted(),
    });
    let name = meeting.map(|m| m.title.as_str()).filter(|name| !name.is_empty());
    [state, name, Some(NAME)].into_iter().flatten().collect::<Vec<_>>().join(" – ")
}

#[cfg(test)]
mod tests {
    use protocol::bridge::{Code, LinkQuality, LinkView, SealView};
    use protocol::ids::UserId;

    use super::*;

    fn meeting(microphone: SwitchState, megaphone: SwitchState) -> MeetingView {
        MeetingView {
            title: "朝会".into(),
            me: UserId::parse("u_1").unwrap(),
            people: Vec::new(),
            role: None,
            allowed: Vec::new(),
            rights: Vec::new(),
            microphone,
            camera: SwitchState::Off,
            share: SwitchState::Off,
            share_sound: SwitchState::Off,
            megaphone,
            seal: SealView::Sealed,
            link: LinkView { quality: LinkQuality::Good, rtt_ms: None, loss_percent: None },
            shield: None,
            watermark: Default::default(),
            heard_by: 0,
            apart: None,
        }
    }

    #[test]
    fn the_title_says_first_whether_one_is_heard() {
        let on = || SwitchState::On { track: None };
        assert_eq!(title(Tongue::Ja, None), "Shoji");
        assert_eq!(title(Tongue::Ja, Some(&meeting(SwitchState::Off, SwitchState::Off))), "ミュート中 – 朝会 – Shoji");
        assert_eq!(title(Tongue::En, Some(&meeting(SwitchState::Ready, SwitchState::Off))), "Muted – 朝会 – Shoji");
        let blocked = SwitchState::Blocked { code: Code::NotAllowed };
        assert_eq!(title(Tongue::En, Some(&meeting(blocked, SwitchState::Off))), "Muted – 朝会 – Shoji");
        assert_eq!(title(Tongue::En, Some(&meeting(on(), SwitchState::Off))), "Microphone on – 朝会 – Shoji");
        assert_eq!(title(Tongue::En, Some(&meeting(SwitchState::Off, on()))), "Microphone on – 朝会 – Shoji");
        let nameless = MeetingView { title: String::new(), ..meeting(on(), SwitchState::Off) };
        assert_eq!(title(Tongue::Ja, Some(&nameless)), "マイクがオン – Shoji");
    }

    #[test]
    fn the_systems_language_is_understood_as_in_the_page() {
        for (system, tongue) in [
            ("", Tongue::Ja),
            ("C", Tongue::Ja),
            ("C.UTF-8", Tongue::Ja),
            ("POSIX", Tongue::Ja),
            ("ja-JP", Tongue::Ja),
            ("ja_JP.UTF-8", Tongue::Ja),
            ("en-GB", Tongue::En),
            ("cs-CZ", Tongue::En),
        ] {
            assert_eq!(Tongue::spoken(system), tongue, "{system}");
        }
    }
}
