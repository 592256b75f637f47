//! What the page is shown: the snapshot, built from what is. Part of the session; reads, never changes anything.

use std::time::Instant;

use media_core::device::{self, DeviceInfo, ScreensUnavailable};
use protocol::bridge::{
    Code, DeviceView, DevicesView, LinkQuality, LinkView, MeetingView, PersonView, Phase, RecentView, RightsRow,
    ScreenKind, ScreenView, SealView, Snapshot, SwitchState, TrackState, TrackView, WatermarkView,
};
use protocol::policy::{Capability, Role, TrackKind};

use super::Session;
use super::call::{AS_IT_IS, Call, Drawn, Stage, UNMEASURED};
use super::devices::{OWN_CAMERA, OWN_SCREEN, PREVIEW};
use crate::profile::Way;
use crate::transport::Lane;

impl Session {
    /// Builds the snapshot and tells what changed.
    pub(super) fn show(&mut self) {
        let told = self.page.told();
        let now = Snapshot {
            seq: told.seq,
            about: told.about.clone(),
            phase: self.phase_view(),
            meeting: self.call.as_ref().and_then(|call| self.meeting_view(call)),
            hosting: self.hosting.clone(),
            devices: self.devices_view(),
            settings: self.settings.view(),
            shortcuts: self.shortcuts_view(),
            vault: self.ports.vault.view(),
            shield: self.shield.status,
            recents: self.recents_view(),
            pending_invite: self.pending_invite.clone(),
            notices: Vec::new(),
        };
        self.page.show(now);
    }

    fn phase_view(&self) -> Phase {
        match self.call.as_ref().map(|c| (&c.stage, c.backoff.tries())) {
            None => Phase::Home,
            Some((Stage::Joining(step), _)) => Phase::Joining { step: *step },
            Some((Stage::In, _)) => Phase::InMeeting,
            Some((Stage::Lost { why, .. }, tries)) => Phase::Reconnecting { why: *why, tries },
        }
    }

    fn meeting_view(&self, call: &Call) -> Option<MeetingView> {
        let crowd = call.crowd.as_ref()?;
        let role = call.office.as_ref().map(|o| o.role);
        Some(MeetingView {
            title: call.title.clone(),
            me: crowd.me().clone(),
            people: people(call, !self.sees_pictures(call)),
            role,
            allowed: self.gate.grants().iter().collect(),
            rights: rights(call, role),
            microphone: self.switch_view(call, Lane::Microphone),
            camera: self.switch_view(call, Lane::Camera),
            share: self.switch_view(call, Lane::Screen),
            share_sound: self.switch_view(call, Lane::ScreenSound),
            megaphone: self.switch_view(call, Lane::Megaphone),
            seal: seal(call),
            link: shown_link(&call.stage, call.link),
            shield: self.meeting_shield(call),
            watermark: watermark(call, role),
            heard_by: call.hearing.heard_by(Instant::now()),
            apart: self.apart(),
        })
    }

    fn switch_view(&self, call: &Call, lane: Lane) -> SwitchState {
        let (right, slot, track) = match lane {
            Lane::Microphone => (Capability::Microphone, &self.hardware.microphone, None),
            Lane::Megaphone => (Capability::Megaphone, &self.hardware.microphone, None),
            Lane::Camera => (Capability::Camera, &self.hardware.camera, Some(OWN_CAMERA)),
            Lane::Screen => (Capability::ScreenShare, &self.hardware.screen, Some(OWN_SCREEN)),
            Lane::ScreenSound => (Capability::ScreenShare, &self.hardware.system, None),
        };
        if !self.gate.grants().allows(right) {
            return SwitchState::Blocked { code: Code::NotAllowed };
        }
        let Some(own) = call.own.get(&lane) else { return SwitchState::Off };
        if let Some(code) = own.problem.or(slot.failed.filter(|_| own.wanted)) {
            return SwitchState::Blocked { code };
        }
        if lane == Lane::Screen && !own.wanted && self.hardware.list.screens.is_err() {
            return SwitchState::Blocked { code: Code::ShareUnsupported };
        }
        match (own.wanted, slot.is_open()) {
            // A device that is still closing is said to be off only once it is.
            (false, open) => {
                let still = open && lane != Lane::Megaphone && lane != Lane::Microphone;
                let waits = open && lane == Lane::Microphone && self.is_ready_to_talk();
                if waits {
                    SwitchState::Ready
                } else if still {
                    SwitchState::Starting
                } else {
                    SwitchState::Off
                }
            }
            (true, true) if own.accepted || !matches!(call.stage, Stage::In) => {
                SwitchState::On { track: track.map(str::to_owned) }
            }
            (true, true | false) if call.may_capture(Instant::now()) => SwitchState::Starting,
            (true, true | false) => SwitchState::Off,
        }
    }

    fn devices_view(&self) -> DevicesView {
        let hardware = &self.hardware;
        let view = |d: &DeviceInfo| DeviceView { id: d.id.clone(), name: d.name.clone(), is_default: d.is_default };
        let (screens, screens_blocked) = match &hardware.list.screens {
            Ok(screens) => {
                let screens = screens
                    .iter()
                    .map(|s| ScreenView {
                        id: s.id.clone(),
                        name: s.name.clone(),
                        width: s.width,
                        height: s.height,
                        is_primary: s.is_primary,
                        kind: match s.kind {
                            device::ScreenKind::Monitor => ScreenKind::Monitor,
                            device::ScreenKind::Window => ScreenKind::Window,
                            device::ScreenKind::Portal => ScreenKind::Portal,
                        },
                    })
                    .collect();
                (screens, None)
            }
            Err(ScreensUnavailable::Unsupported | ScreensUnavailable::NoDisplay) => {
                (Vec::new(), Some(Code::ShareUnsupported))
            }
        };
        let preview = if self.call.is_none() { hardware.preview } else { Default::default() };
        DevicesView {
            microphones: hardware.list.microphones.iter().map(view).collect(),
            speakers: hardware.list.speakers.iter().map(view).collect(),
            cameras: hardware.list.cameras.iter().map(view).collect(),
            screens,
            screens_blocked,
            system_sound: hardware.list.system_audio,
            microphone: self.settings.microphone.clone(),
            speaker: self.settings.speaker.clone(),
            camera: self.settings.camera.clone(),
            preview_track: (preview.camera && hardware.camera.is_open()).then(|| PREVIEW.to_owned()),
            rehearsal: hardware.rehearsal.view(),
            microphone_problem: hardware.microphone.failed.filter(|_| preview.microphone),
            camera_problem: hardware.camera.failed.filter(|_| preview.camera),
        }
    }

    fn recents_view(&self) -> Vec<RecentView> {
        self.recents
            .iter()
            .map(|r| RecentView {
                id: r.id.clone(),
                title: r.title.clone(),
                last_joined: r.last_joined,
                own: r.own,
                nearby: match &r.way {
                    Way::Host { host, .. } => self.nearby.values().any(|(f, _)| f.encode() == *host),
                    Way::Server { .. } => false,
                },
                can_join: self.joinable.get(&r.id).copied().unwrap_or(false),
            })
            .collect()
    }
}

/// A measurement of a connection that is gone says nothing: media may go on for seconds after the host was lost.
fn shown_link(stage: &Stage, measured: LinkView) -> LinkView {
    match stage {
        Stage::In => measured,
        Stage::Joining(_) => UNMEASURED,
        Stage::Lost { .. } => LinkView { quality: LinkQuality::Lost, ..UNMEASURED },
    }
}

/// How our hosts name a megaphone that speaks in another room: it is heard, but nobody here.
const ELSEWHERE: &str = "megaphone:";

fn watermark(call: &Call, role: Option<Role>) -> WatermarkView {
    let Some(office) = &call.office else { return WatermarkView::default() };
    let Drawn { watermark: is, tile } = &office.drawn;
    WatermarkView { is: *is, tile: tile.clone(), editable: role == Some(Role::Owner) }
}

fn people(call: &Call, withheld: bool) -> Vec<PersonView> {
    let Some(crowd) = &call.crowd else { return Vec::new() };
    let mut people: Vec<PersonView> = crowd
        .iter()
        .filter(|(user, _)| !(call.office.is_some() && user.as_str().starts_with(ELSEWHERE)))
        .map(|(user, attendee)| {
            let office = call.office.as_ref().and_then(|o| o.people.iter().find(|p| p.user == *user));
            let tracks = call
                .remotes
                .values()
                .filter(|r| r.user == *user)
                .map(|r| TrackView {
                    id: r.track.sid.clone(),
                    source: r.track.source,
                    kind: r.track.kind,
                    muted: r.track.muted,
                    state: shown_state(r.state, r.track.kind, withheld),
                })
                .collect();
            PersonView {
                user: user.clone(),
                sid: Some(attendee.sid.clone()),
                name: office.map_or_else(|| attendee.name.clone(), |p| p.name.to_string()),
                role: office.map(|p| p.role),
                is_me: user == crowd.me(),
                volume: call.volumes.get(user).copied().unwrap_or(AS_IT_IS),
                shield: office.map(|p| p.shield),
                exempt: office.is_some_and(|p| p.exempt),
                pictures: office.is_none_or(|p| p.pictures),
                tracks,
            }
        })
        .collect();
    people.sort_by(|a, b| b.is_me.cmp(&a.is_me).then_with(|| a.name.cmp(&b.name)).then_with(|| a.user.cmp(&b.user)));
    people
}

/// What cannot be trusted stays refused; a picture that the host does not send is not waited for.
fn shown_state(state: TrackState, kind: TrackKind, withheld: bool) -> TrackState {
    match (state, kind) {
        (TrackState::Waiting | TrackState::Playing, TrackKind::Video) if withheld => TrackState::Withheld,
        (state, TrackKind::Audio | TrackKind::Video) => state,
    }
}

fn rights(call: &Call, mine: Option<Role>) -> Vec<RightsRow> {
    let Some(office) = &call.office else { return Vec::new() };
    Role::ALL
        .into_iter()
        .map(|role| RightsRow {
            role,
            allowed: office.matrix.grants(role).iter().collect(),
            editable: mine == Some(Role::Owner) && role != Role::Owner,
        })
        .collect()
}

fn seal(call: &Call) -> SealView {
    if call.seals.is_none() {
        return SealView::Open;
    }
    let count = |state: TrackState| {
        u32::try_from(call.remotes.values().filter(|r| r.state == state).count()).unwrap_or(u32::MAX)
    };
    match (count(TrackState::RefusedUnsealed), count(TrackState::WrongKey)) {
        (0, 0) => SealView::Sealed,
        (refused, wrong_key) => SealView::Partly { refused, wrong_key },
    }
}

#[cfg(test)]
mod tests {
    use protocol::bridge::{JoinStep, LostBecause};

    use super::*;

    #[test]
    fn only_pictures_are_withheld_and_only_such_that_could_be_shown() {
        assert_eq!(shown_state(TrackState::Playing, TrackKind::Video, true), TrackState::Withheld);
        assert_eq!(shown_state(TrackState::Playing, TrackKind::Video, false), TrackState::Playing);
        assert_eq!(shown_state(TrackState::Playing, TrackKind::Audio, true), TrackState::Playing);
        assert_eq!(shown_state(TrackState::RefusedUnsealed, TrackKind::Video, true), TrackState::RefusedUnsealed);
    }

    #[test]
    fn a_link_is_only_as_good_as_measured_while_the_call_is_live() {
        let measured = LinkView { quality: LinkQuality::Excellent, rtt_ms: Some(4), loss_percent: Some(0) };
        assert_eq!(shown_link(&Stage::In, measured), measured);
        assert_eq!(shown_link(&Stage::Joining(JoinStep::Connecting), measured), UNMEASURED);
        for why in [LostBecause::Network, LostBecause::HostUnreachable, LostBecause::ServerAsked] {
            let shown = shown_link(&Stage::Lost { why, since: Instant::now() }, measured);
            assert_eq!(shown, LinkView { quality: LinkQuality::Lost, rtt_ms: None, loss_percent: None });
        }
    }
}
