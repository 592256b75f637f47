//! A meeting without a seal: both official SDKs and our own client hear, see and read each other; mute and leave.

use inspection::person::guarded;
use serde_json::Value;

use crate::peers::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn official_sdks_and_our_client_meet() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let mut python = stage.python("python", "--publish mic,camera --hz 440 --data snake").await?;
        let words = "--publish mic,camera --hz 660 --size 320x180 --data chrome";
        let mut chromium = stage.chromium("chromium", words).await?;
        for peer in [&python, &chromium] {
            peer.until_in().await?;
            peer.until_published("mic").await?;
            peer.until_published("camera").await?;
        }
        // The newer way to connect is answered with 404, in a form that makes SDKs use the older one.
        let refused = |e: &Value| {
            e["event"] == "response" && e["status"] == 404 && e["url"].as_str().is_some_and(|u| u.contains("/rtc/v1"))
        };
        chromium.until("that /rtc/v1 is not there", refused).await?;

        python.until_hears("chromium", 660).await?;
        chromium.until_hears("python", 440).await?;
        python.until_sees("chromium", "camera", "video/VP8").await?;
        chromium.until_sees("python", "camera", "video/VP8").await?;
        python.until_reads("chromium", "chrome").await?;
        chromium.until_reads("python", "snake").await?;

        // Our own client comes with a token and no passphrase: nothing is sealed, everything is heard.
        let words = "--tone 880 --camera synthetic --listen 440 --listen 660 --for 200";
        let ours = stage.ours("ours", words).await?;
        for peer in [&python, &chromium] {
            peer.until_hears("ours", 880).await?;
            peer.until_sees("ours", "camera", "video/H264").await?;
        }
        let mut listed = stage.listed().await?;
        listed.sort_unstable();
        assert_eq!(listed, ["chromium", "ours", "python"], "the official server SDK sees who is in the room");

        // Mute and unmute, both ways.
        python.forget();
        chromium.forget();
        python.tell("mute mic").await?;
        chromium.until_told("muted", "python", "mic").await?;
        chromium.until_silent("python", 440).await?;
        chromium.tell("mute mic").await?;
        python.until_told("muted", "chromium", "mic").await?;
        python.until_silent("chromium", 660).await?;
        python.tell("unmute mic").await?;
        chromium.until_told("unmuted", "python", "mic").await?;
        chromium.until_hears("python", 440).await?;

        // A track that ends is gone for the other.
        chromium.tell("unpublish camera").await?;
        python.until_told("track_gone", "chromium", "camera").await?;

        // Our client heard both before they were muted.
        ours.interrupt().await?;
        let summary = ours.until("its summary", |e| e["event"] == "summary").await?;
        for note in 0..2 {
            let heard = summary["notes"][note]["share"].as_f64();
            assert!(heard > Some(0.1), "our client hears the official SDKs: {summary}");
        }
        for peer in [&python, &chromium] {
            peer.until_told("person_gone", "ours", "").await?;
        }
        chromium.leave().await?;
        python.until_told("person_gone", "chromium", "").await?;
        python.leave().await
    })
    .await
}
