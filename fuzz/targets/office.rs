//! Messages of the office channel, read by either side. What parses must be written as something that parses to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::office::{ToClient, ToHost};

fuzz_target!(|text: &str| {
    if let Ok(message) = ToHost::parse(text) {
        assert_eq!(ToHost::parse(&message.to_text()).expect("our own words are understood"), message);
    }
    if let Ok(message) = ToClient::parse(text) {
        assert_eq!(ToClient::parse(&message.to_text()).expect("our own words are understood"), message);
    }
});
