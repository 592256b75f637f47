//! The list of recent meetings, and the secrets that go and stay with them. Part of the session.

use livekit_protocol as lk;
use protocol::bridge::{Code, Severity};
use zeroize::Zeroizing;

use super::command::answer;
use super::enter::Ticket;
use super::{Input, Reply, Session};
use crate::profile::{self, Recent};
use crate::secrets::{self, Kind};

impl Session {
    pub(super) fn remember_meeting(&mut self, join: &lk::JoinResponse) {
        let Some(call) = &mut self.call else { return };
        let Some(route) = &mut call.route else { return };
        if route.id.is_empty() {
            let room = join.room.as_ref().map_or("", |r| r.name.as_str());
            if let profile::Way::Server { url } = &route.way {
                route.id = secrets::server_meeting_id(url, room);
            }
            if let Ticket::Token(token) = &route.ticket {
                let kept = [(Kind::Token, token.clone()), (Kind::Passphrase, route.passphrase.clone())];
                let (secrets, id, me) = (self.secrets.clone(), route.id.clone(), self.me.clone());
                self.tokio.spawn(async move {
                    let mut all = true;
                    for (kind, secret) in kept.into_iter().filter(|(_, s)| !s.is_empty()) {
                        all &= secrets.set(kind, &id, Zeroizing::new(secret.as_bytes().to_vec())).await;
                    }
                    if me.send(Input::Kept(all)).await.is_err() {
                        tracing::debug!("the session ended first");
                    }
                });
                call.token = token.clone();
            }
        }
        let recent = Recent {
            id: route.id.clone(),
            title: call.title.clone(),
            last_joined: unix_now(),
            own: route.own,
            way: route.way.clone(),
        };
        let fallen = profile::remember(&mut self.recents, recent);
        let secrets = self.secrets.clone();
        self.tokio.spawn(async move {
            for id in fallen {
                secrets.forget(&id).await;
            }
        });
        self.save_recents();
    }

    pub(super) fn save_recents(&mut self) {
        if !self.profile.save_recents(&self.recents) {
            self.notice(Code::SettingsNotSaved, None, Severity::Warning);
        }
    }

    pub(super) fn forget_recent(&mut self, id: &str, reply: Reply<()>) {
        self.recents.retain(|r| r.id != id);
        self.save_recents();
        let (secrets, id) = (self.secrets.clone(), id.to_owned());
        self.tokio.spawn(async move {
            secrets.forget(&id).await;
            answer(reply, Ok(()));
        });
    }

    pub(super) fn nearby_addresses(&self, recent: &Recent) -> Vec<protocol::invite::HostAddress> {
        let profile::Way::Host { host, .. } = &recent.way else { return Vec::new() };
        self.nearby.values().filter(|(f, _)| f.encode() == *host).flat_map(|(_, a)| a.clone()).collect()
    }
}

/// Unix seconds; the one place the wall clock is asked.
pub(crate) fn unix_now() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
