//! Data channels of a [`Peer`]: opened by either side, a limited number, with a limited backlog.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rtc::data_channel::{RTCDataChannelId, RTCDataChannelInit};
use rtc::peer_connection::event::RTCDataChannelEvent;

use super::{MAX_MESSAGE, Peer};
use crate::error::PeerError;
use crate::media::{ChannelId, Delivery, Event};

/// Channels the other side may open.
const MAX_CHANNELS: usize = 16;

/// Bytes a data channel may hold unsent before [`PeerError::Congested`].
const MAX_UNSENT: usize = 4 * 1024 * 1024;

impl Peer {
    /// Opens a channel; [`Event::ChannelOpen`] tells when it can be used.
    ///
    /// # Errors
    /// The library refuses it.
    pub fn open_data_channel(&mut self, label: &str, delivery: Delivery) -> Result<ChannelId, PeerError> {
        let init = match delivery {
            Delivery::Reliable => RTCDataChannelInit { ordered: true, ..RTCDataChannelInit::default() },
            Delivery::Lossy => {
                RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..RTCDataChannelInit::default() }
            }
        };
        let first = self.channels.is_empty();
        let rtc_id = self.guarded(|rtc| Ok(rtc.create_data_channel(label, Some(init))?.id()))?;
        // Only the first channel brings the data section; later ones are opened in it.
        self.wants_negotiation |= first;
        Ok(self.channel(rtc_id, label.into()))
    }

    /// Queues one message of at most [`MAX_MESSAGE`] bytes.
    ///
    /// # Errors
    /// Too long, unknown or unopened channel, or [`PeerError::Congested`].
    pub fn send_data(&mut self, channel: ChannelId, bytes: &[u8], now: Instant) -> Result<(), PeerError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(PeerError::TooLarge);
        }
        let rtc_id = self
            .channels
            .iter()
            .find_map(|(rtc_id, (id, _))| (*id == channel).then_some(*rtc_id))
            .ok_or(PeerError::Unknown("channel"))?;
        self.guarded(|rtc| {
            let Some(mut channel) = rtc.data_channel(rtc_id) else { return Ok(Err(PeerError::Unknown("channel"))) };
            if channel.outstanding_bytes() + bytes.len() > MAX_UNSENT {
                return Ok(Err(PeerError::Congested));
            }
            channel.send(now, BytesMut::from(bytes))?;
            Ok(Ok(()))
        })?
    }

    fn channel(&mut self, rtc_id: RTCDataChannelId, label: Arc<str>) -> ChannelId {
        let id = ChannelId(self.next_channel);
        self.next_channel += 1;
        self.channels.insert(rtc_id, (id, label));
        id
    }

    pub(super) fn on_channel(&mut self, event: RTCDataChannelEvent) {
        match event {
            RTCDataChannelEvent::OnOpen(rtc_id) => {
                if !self.channels.contains_key(&rtc_id) {
                    let label = self.guarded(|rtc| Ok(rtc.data_channel(rtc_id).map(|channel| channel.label().into())));
                    let Ok(Some(label)) = label else { return };
                    if self.channels.len() >= MAX_CHANNELS {
                        tracing::debug!("a channel too many");
                        return;
                    }
                    self.channel(rtc_id, label);
                }
                if let Some((channel, label)) = self.channels.get(&rtc_id).cloned() {
                    self.events.push_back(Event::ChannelOpen { channel, label });
                }
            }
            RTCDataChannelEvent::OnClose(rtc_id) => {
                if let Some((channel, label)) = self.channels.remove(&rtc_id) {
                    self.events.push_back(Event::ChannelClosed { channel, label });
                }
            }
            _ => {}
        }
    }
}
