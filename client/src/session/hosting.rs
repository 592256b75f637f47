//! The host inside this app, as the session sees it: how many people it has, and its end. Part of the session.

use std::time::{Duration, Instant};

use super::command::answer;
use super::{Input, Reply, Session};

impl Session {
    pub(super) fn stop_hosting(&mut self, reply: Reply<()>) {
        if self.call.as_ref().is_some_and(|c| c.route.as_ref().is_some_and(|r| r.own)) {
            self.leave_now();
        }
        let (host, me) = (self.ports.host.clone(), self.me.clone());
        self.tokio.spawn(async move {
            if let Some(host) = host {
                host.stop().await;
            }
            if me.send(Input::Hosting(None)).await.is_err() {
                tracing::debug!("the session ended first");
            }
            answer(reply, Ok(()));
        });
    }

    pub(super) fn look_after_host(&mut self, now: Instant) {
        /// How fresh the number of people is.
        const EVERY: Duration = Duration::from_secs(2);
        if now.duration_since(self.hosting_looked) < EVERY {
            return;
        }
        self.hosting_looked = now;
        if let (Some(hosting), Some(host)) = (&mut self.hosting, &self.ports.host) {
            hosting.people = host.people();
        }
    }
}
