//! What is drawn over a room's pictures: the owner decides, everyone is told, and each gets a mark of their own.

use protocol::ids::{RoomId, UserId};
use protocol::office::{Refusal, ToClient};
use protocol::policy::Role;
use protocol::watermark::Watermark;

use super::{Authority, Conn, Effect};
use crate::store::Write;

impl Authority {
    pub(super) fn set_watermark(&mut self, conn: Conn, room: &RoomId, role: Role, watermark: Watermark) {
        if role != Role::Owner {
            return self.deny(conn, "set_watermark", Refusal::NotAllowed);
        }
        let Some(place) = self.rooms.get_mut(room) else { return };
        if place.watermark == watermark {
            return;
        }
        place.watermark = watermark;
        let everyone: Vec<UserId> = place.present.keys().cloned().collect();
        for user in everyone {
            self.tell_watermark(room, &user);
        }
        self.effects.push(Effect::Keep(Write::Watermark { room: room.clone(), watermark }));
    }

    /// Tells one person what to draw. Nobody is ever told another's mark.
    pub(super) fn tell_watermark(&mut self, room: &RoomId, user: &UserId) {
        let Some(place) = self.rooms.get(room) else { return };
        let watermark = place.watermark;
        let Some(conn) = place.present.get(user).and_then(|p| p.office) else { return };
        let cells = watermark.invisible().then(|| self.mint.mark(user, room));
        self.send(conn, ToClient::Watermark { watermark, cells });
    }
}
