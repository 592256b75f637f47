//! RTP and RTCP as the library under us reads them: headers before anything is authenticated, the rest as any member may
//! send it. A panic there costs the peer its connection, so there must be none.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rtc::rtp::{Header, Packet};
use rtc::shared::marshal::{Marshal, MarshalSize, Unmarshal};

/// A datagram.
const LONGEST: usize = 2048;

fuzz_target!(|data: &[u8]| {
    let data = &data[..data.len().min(LONGEST)];
    let mut left = data;
    if let Ok(header) = Header::unmarshal(&mut left) {
        let inside: usize = header.extensions.iter().map(|extension| extension.payload.len()).sum();
        assert!(inside <= data.len() && header.csrc.len() <= 15);
        // The ciphers cut the packet at this place, which may lie behind its end where extensions reach into the payload.
        assert!(header.marshal_size() <= data.len() + 8 * LONGEST);
        if let Ok(again) = header.marshal() {
            assert_eq!(again.len(), header.marshal_size());
        }
    }
    if let Ok(packet) = Packet::unmarshal(&mut Bytes::copy_from_slice(data)) {
        assert!(packet.payload.len() <= data.len());
        // As repairs are read: two bytes of an older number in front.
        let _older = packet.payload.get(..2);
    }
    if let Ok(reports) = rtc::rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(data)) {
        assert!(reports.len() <= data.len() / 4);
        for report in reports {
            assert!(report.destination_ssrc().len() <= data.len());
        }
    }
});
