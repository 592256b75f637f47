//! Rights against official SDKs: what a token or the owner does not allow is refused, and its RTP reaches nobody, even if
//! the SDK was changed to ask all the same, to lie about what it sends, or not to ask at all.

use inspection::person::{guarded, poll, track};
use inspection::world::World;
use protocol::bridge::SetRight;
use protocol::policy::{Capability, Role, TrackSource};
use serde_json::Value;

use crate::peers::{Peer, Stage};

/// Packets of half a second of pictures: enough to be sure that they keep coming.
const MANY: u64 = 30;

fn refused_rtp(world: &World) -> anyhow::Result<u64> {
    let counters = world.host()?.media_counters().ok_or_else(|| anyhow::anyhow!("the media plane counts"))?;
    Ok(counters.rtp_refused.value())
}

/// Waits until the host has dropped many more packets than `before`.
async fn until_dropped(world: &World, before: u64) -> anyhow::Result<()> {
    let enough = || refused_rtp(world).is_ok_and(|now| now >= before + MANY).then_some(());
    poll(enough).await.ok_or_else(|| anyhow::anyhow!("the host dropped nothing: {before} at first"))
}

/// A picture of someone, however it got here.
fn picture_of(sender: &str) -> impl Fn(&Value) -> bool {
    move |e| {
        e["sender"] == sender
            && (e["event"] == "seen"
                || e["kind"] == "video"
                || (e["event"] == "announced" && e["source"] != "mic" && e["source"] != "megaphone"))
    }
}

async fn until_refused(peer: &Peer, source: &str) -> anyhow::Result<()> {
    let what = format!("that its {source} is refused");
    peer.until(&what, |e| e["event"] == "publish_failed" && e["source"] == source).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_without_the_right_reaches_nobody() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let world = &stage.world;
        let secret = world.passphrase();
        let owner = world.owner("Owner", 880.0).await?;
        let witness = stage.chromium("witness", &format!("--passphrase={secret}")).await?;
        witness.until_in().await?;

        // Their office allows the microphone only.
        let words = format!("--publish mic,camera --hz 440 --passphrase={secret}");
        let limited = stage.python_with("limited", Some(&["microphone"]), &words).await?;
        limited.until_published("mic").await?;
        witness.until_hears("limited", 440).await?;
        owner.until_plays("limited", TrackSource::Microphone).await?;
        until_refused(&limited, "camera").await?;
        assert!(world.host()?.metrics().tracks_refused_total.read() >= 1, "and the host counts it");
        assert_eq!(witness.said(picture_of("limited")), None, "nobody is told of a camera, nobody sees one");
        assert!(track(&owner.now(), "limited", TrackSource::Camera).is_none(), "our client neither");
        limited.leave().await?;

        // Another may at first, and is not asked again when it may no more: this SDK goes on sending.
        let words = format!("--publish mic,camera --hz 660 --passphrase={secret}");
        let mut member = stage.python("member", &words).await?;
        witness.until_sees("member", "camera", "video/VP8").await?;
        owner.until_plays("member", TrackSource::Camera).await?;
        let right = |allowed| SetRight { role: Role::Member, capability: Capability::Camera, allowed };
        owner.client.set_right(right(false)).await?;
        witness.until_told("track_gone", "member", "camera").await?;
        owner.until_gone("member", TrackSource::Camera).await?;
        member.until("that its rights changed", |e| e["event"] == "permissions").await?;
        let mut witness = witness;
        witness.forget();
        until_dropped(world, refused_rtp(world)?).await?;
        assert_eq!(witness.said(picture_of("member")), None, "what it goes on sending reaches nobody");
        // Its voice is untouched: it is muted and heard again.
        member.tell("mute mic").await?;
        witness.until_silent("member", 660).await?;
        member.tell("unmute mic").await?;
        witness.until_hears("member", 660).await?;
        member.leave().await?;
        witness.leave().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_sdk_cannot_smuggle_pictures() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let world = &stage.world;
        let mut witness = stage.python("witness", "--publish mic --hz 440").await?;
        // `--forced`: the SDK's own look at its rights is switched off.
        let words = "--publish mic,camera,lie --hz 660 --forced";
        let mut liar = stage.chromium_with("liar", Some(&["microphone"]), words).await?;
        liar.until_published("mic").await?;
        witness.until_hears("liar", 660).await?;
        // A camera that says so, and one that calls itself a microphone.
        until_refused(&liar, "camera").await?;
        until_refused(&liar, "lie").await?;
        assert!(world.host()?.metrics().tracks_refused_total.read() >= 2, "both are counted");

        // Pictures nobody was asked about, in the connection that carries its voice.
        let before = refused_rtp(world)?;
        liar.tell("smuggle").await?;
        let sent = |e: &Value| e["event"] == "smuggled" && e["packets"].as_u64() >= Some(MANY);
        liar.until("that its pictures left", sent).await?;
        until_dropped(world, before).await?;
        assert_eq!(witness.said(picture_of("liar")), None, "none of that reached anybody");

        // Nobody else was disturbed, and its voice still counts.
        witness.forget();
        liar.tell("mute mic").await?;
        witness.until_silent("liar", 660).await?;
        liar.tell("unmute mic").await?;
        witness.until_hears("liar", 660).await?;
        liar.leave().await?;
        witness.leave().await
    })
    .await
}
