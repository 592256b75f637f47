//! What is seen and pressed outside of the page: the window's title, the tray, the system-wide shortcuts. One task that
//! follows the snapshot as the page does, and decides nothing.

use protocol::bridge::{Change, ShortcutState, ShortcutsView, Snapshot};
use tauri::{AppHandle, Manager, WebviewWindow};

use crate::desk::Desk;
use crate::hotkeys::{Hotkeys, Plan, Wanted};
use crate::tray::Tray;
use crate::words::{self, Tongue};

/// Follows until the program ends.
pub(crate) async fn follow(window: WebviewWindow) {
    let app = window.app_handle().clone();
    let mut outside = Outside::new(app.clone(), window);
    loop {
        let Ok(client) = app.state::<Desk>().client().await else { return };
        let Some((mut now, mut news)) = client.subscribe().await else { return };
        outside.show(&now);
        while let Some(event) = news.recv().await {
            match event.change {
                Change::Meeting(meeting) => now.meeting = meeting,
                Change::Settings(settings) => now.settings = settings,
                Change::Shortcuts(shortcuts) => now.shortcuts = shortcuts,
                Change::Phase(_)
                | Change::Hosting(_)
                | Change::Devices(_)
                | Change::Vault(_)
                | Change::Shield(_)
                | Change::Recents(_)
                | Change::PendingInvite(_)
                | Change::Notices(_)
                | Change::Levels(_) => continue,
            }
            outside.show(&now);
        }
    }
}

/// Did the person press the very keys once more that had been refused?
fn is_asked_again(before: &ShortcutsView, now: &ShortcutsView) -> bool {
    [(&before.mute, &now.mute), (&before.talk, &now.talk)].into_iter().any(|(before, now)| {
        before.keys == now.keys
            && matches!(before.state, ShortcutState::Refused { .. })
            && now.state == ShortcutState::Unknown
    })
}

struct Outside {
    app: AppHandle,
    window: WebviewWindow,
    title: String,
    tray: Option<Tray>,
    /// There is none here; asked once.
    trayless: bool,
    hotkeys: Hotkeys,
    /// What was chosen, in which round, and whether there was a meeting, when the last plan was made.
    planned: Option<(Wanted, u32, bool)>,
    /// What was known of the shortcuts then.
    shortcuts: Option<ShortcutsView>,
    round: u32,
}

impl Outside {
    fn new(app: AppHandle, window: WebviewWindow) -> Self {
        let hotkeys = Hotkeys::start(&app);
        Self {
            app,
            window,
            title: String::new(),
            tray: None,
            trayless: false,
            hotkeys,
            planned: None,
            shortcuts: None,
            round: 0,
        }
    }

    fn show(&mut self, now: &Snapshot) {
        let tongue = Tongue::of(now.settings.language);
        self.app.state::<Desk>().speak(tongue);
        self.entitle(words::title(tongue, now.meeting.as_ref()));
        let voice = words::voice(now.meeting.as_ref());
        // Gone with the meeting; with another language it begins anew.
        self.tray = self.tray.take().filter(|tray| voice.is_some() && tray.tongue() == tongue);
        if let Some(voice) = voice {
            match &mut self.tray {
                Some(tray) => tray.show(voice),
                None if self.trayless => {}
                None => {
                    self.tray = Tray::open(&self.app, tongue, voice);
                    self.trayless = self.tray.is_none();
                }
            }
        }
        let (chosen, in_meeting) = (Wanted::chosen(now), now.meeting.is_some());
        if let Some(before) = self.shortcuts.replace(now.shortcuts.clone()) {
            self.round += u32::from(is_asked_again(&before, &now.shortcuts));
        }
        // Only what changed: a plan that tries something out must not be overtaken by the same one without.
        if self.planned != Some((chosen, self.round, in_meeting)) {
            let before = self.planned.map(|(chosen, round, _)| (chosen, round));
            self.hotkeys.follow(Plan::of(before, chosen, self.round, in_meeting));
            self.planned = Some((chosen, self.round, in_meeting));
        }
    }

    fn entitle(&mut self, title: String) {
        if title == self.title {
            return;
        }
        match self.window.set_title(&title) {
            Ok(()) => self.title = title,
            Err(error) => tracing::debug!(%error, "no title"),
        }
    }
}
