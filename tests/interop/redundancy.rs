//! What is sent twice because a network loses: our copies in the padding of Opus packets are nothing to official SDKs, and
//! their RED is read by our host, so that our client hears what was lost on their way to it.

use inspection::person::{guarded, poll};
use inspection::relay::Way;
use media_core::testing::Weather;
use serde_json::Value;

use crate::peers::{Peer, Stage};

/// Little is lost beside what is asked for again, but most of it comes sooner as a copy.
const LOSSY: Weather = Weather { loss: 0.1, ..Weather::CLEAR };
/// What RED with one earlier packet makes good nearly all of.
const VERY_LOSSY: Weather = Weather { loss: 0.2, ..Weather::CLEAR };

/// The payload type that libwebrtc gives to RED; our host answers with the same.
const RED: u8 = 63;

/// Waits until our listener's only remote sound had so many packets brought back by copies; answers how many.
async fn until_carried(listener: &Peer, least: u64) -> anyhow::Result<u64> {
    let carried = || listener.measured("carried").into_iter().find(|carried| *carried >= least);
    poll(carried)
        .await
        .ok_or_else(|| anyhow::anyhow!("fewer than {least} lost packets came as copies; {}", listener.story()))
}

/// The official SDKs hear our voice while all of its packets carry copies.
async fn copies_are_padding_to_official_sdks(sealed: bool) -> anyhow::Result<()> {
    let stage = Stage::open_behind_a_relay().await?;
    guarded(async {
        let seal = if sealed { format!("--passphrase={}", stage.world.passphrase()) } else { String::new() };
        let mut python = stage.python("python", &seal).await?;
        let mut chromium = stage.chromium("chromium", &seal).await?;
        // One of ours that reads the copies tells that they are there.
        let listener = stage.ours("listener", &format!("--microphone none {seal}")).await?;
        let _voice = stage.ours("voice", &format!("--tone 880 {seal}")).await?;
        for peer in [&python, &chromium] {
            peer.until_hears("voice", 880).await?;
            let otherwise = |e: &Value| e["event"] == "track" && e["encrypted"] != sealed;
            assert_eq!(peer.said(otherwise), None, "sealed or not as it should be");
        }
        let relay = stage.world.relay()?;
        relay.set_weather(Way::ToHost, 11, LOSSY);
        assert_eq!(until_carried(&listener, 0).await?, 0, "nobody complains, so nothing is sent twice");

        // By the door everybody has: a listener who tells that packets do not arrive.
        python.tell("complain").await?;
        let before = until_carried(&listener, 20).await?;
        for peer in [&mut python, &mut chromium] {
            peer.until_steady("voice", 880).await?;
        }
        until_carried(&listener, before + 10).await?;
        python.leave().await?;
        chromium.leave().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_inside_the_seal_do_not_change_what_official_sdks_hear() -> anyhow::Result<()> {
    copies_are_padding_to_official_sdks(true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_without_a_seal_do_not_change_what_official_sdks_hear() -> anyhow::Result<()> {
    copies_are_padding_to_official_sdks(false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_official_sdks_send_in_red_is_heard_by_ours_when_it_was_lost_once() -> anyhow::Result<()> {
    let stage = Stage::open_behind_a_relay().await?;
    guarded(async {
        let python = stage.python("python", "--publish mic --hz 440 --red").await?;
        let chromium = stage.chromium("chromium", "--publish mic --hz 660 --red").await?;
        for peer in [&python, &chromium] {
            peer.until_published("mic").await?;
        }
        let listener = stage.ours("listener", "--microphone none --listen 440 --listen 660").await?;
        // Packets that came and that never did, once of both so many came.
        let came = |least: u64| {
            let (received, lost) = (listener.measured("received"), listener.measured("lost"));
            let enough = received.len() == 2 && received.iter().all(|n| *n >= least);
            enough.then(|| (received.iter().sum::<u64>(), lost.iter().sum::<u64>()))
        };
        let before = poll(|| came(100)).await.ok_or_else(|| anyhow::anyhow!("nothing came; {}", listener.story()))?;
        let relay = stage.world.relay()?;
        relay.set_weather(Way::ToHost, 12, VERY_LOSSY);
        let crossed = relay.crossed_as(RED);
        let after = poll(|| came(900)).await;
        let after = after.ok_or_else(|| anyhow::anyhow!("too little came; {}", listener.story()))?;
        assert!(relay.crossed_as(RED) - crossed > 1000, "the sound of both crosses the relay, in RED");
        let (received, lost) = (after.0 - before.0, after.1 - before.1);
        assert!(
            lost * 20 < received,
            "of every fifth packet lost on the way to the host nearly all are in the next one: {lost} of {received} lost"
        );
        listener.interrupt().await?;
        let summary = listener.until("its summary", |e| e["event"] == "summary").await?;
        for note in 0..2 {
            let heard = summary["notes"][note]["share"].as_f64();
            assert!(heard > Some(0.1), "our client hears both: {summary}");
        }
        python.leave().await?;
        chromium.leave().await
    })
    .await
}
