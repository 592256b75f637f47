//! What the display tells of plugs. A display without hardware has none that can be pulled.

use x11rb::protocol::randr::{CrtcChange, NotifyData, NotifyEvent, OutputChange};

use super::*;

fn told(sub_code: Notify, news: impl Into<NotifyData>) -> Event {
    Event::RandrNotify(NotifyEvent { response_type: 90, sub_code, sequence: 1, u: news.into() })
}

fn output(output: Output, connection: Plug) -> Event {
    told(Notify::OUTPUT_CHANGE, OutputChange { output, connection, ..OutputChange::default() })
}

#[test]
fn only_what_was_plugged_in_is_unplugged() {
    let ours = [7, 8];
    assert!(is_unplugging(&output(8, Plug::DISCONNECTED), &ours), "one of a monitor's two cables is enough");
    assert!(!is_unplugging(&output(8, Plug::CONNECTED), &ours));
    assert!(!is_unplugging(&output(8, Plug::UNKNOWN), &ours), "a driver that does not know says nothing");
    assert!(!is_unplugging(&output(9, Plug::DISCONNECTED), &ours), "another monitor's cable");
    assert!(!is_unplugging(&output(7, Plug::DISCONNECTED), &[]), "an output that works unplugged");
}

#[test]
fn news_of_something_else_are_no_unplugging() {
    let crtc = CrtcChange { window: 7, crtc: 7, mode: 7, ..CrtcChange::default() };
    assert!(!is_unplugging(&told(Notify::CRTC_CHANGE, crtc), &[7]));
    let disconnected = OutputChange { output: 7, connection: Plug::DISCONNECTED, ..OutputChange::default() };
    assert!(!is_unplugging(&told(Notify::LEASE, disconnected), &[7]), "whatever its bytes look like");
}
