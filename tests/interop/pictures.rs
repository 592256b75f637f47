//! H.264 and simulcast of official SDKs through our host.

use inspection::person::guarded;
use serde_json::Value;

use crate::peers::{Peer, Stage};

/// Our client decodes H.264 itself: it says how large the first picture is.
async fn first_picture(ours: &Peer, of: &str) -> anyhow::Result<Value> {
    let what = format!("that it sees {of}");
    ours.until(&what, |e| e["event"] == "first_picture" && e["of"] == format!("{of} camera").as_str()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h264_of_official_sdks_is_seen_by_everyone() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let python = stage.python("python", "--publish camera --codec h264 --size 320x180").await?;
        let words = "--publish camera --codec h264 --size 320x240";
        let chromium = stage.chromium("chromium", words).await?;
        let ours = stage.ours("ours", "--microphone none --for 200").await?;
        python.until_sees("chromium", "camera", "video/H264").await?;
        chromium.until_sees("python", "camera", "video/H264").await?;
        let picture = first_picture(&ours, "python").await?;
        assert_eq!(picture["width"], 320, "{picture}");
        let picture = first_picture(&ours, "chromium").await?;
        assert_eq!(picture["width"], 320, "{picture}");
        python.leave().await?;
        chromium.leave().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_official_sdk_chooses_among_the_layers_of_our_camera() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let mut python = stage.python("python", "").await?;
        let _ours = stage.ours("ours", "--microphone none --camera synthetic --for 200").await?;
        let wide = |e: &Value| e["event"] == "seen" && e["mime"] == "video/H264" && e["width"].as_u64() > Some(900);
        python.until("our camera as large as it is", wide).await?;
        python.tell("quality camera low").await?;
        python.until("a smaller picture", |e| e["event"] == "seen" && e["width"].as_u64() < Some(500)).await?;
        python.forget();
        python.tell("quality camera high").await?;
        python.until("the large one again", wide).await?;
        python.leave().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_chooses_among_the_layers_of_simulcast() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let words = "--publish camera --simulcast --size 960x540";
        let chromium = stage.chromium("chromium", words).await?;
        let mut python = stage.python("python", "").await?;
        // All layers leave the browser; how many there are is its own choice.
        let many = |e: &Value| e["event"] == "layers" && e["layers"].as_array().is_some_and(|l| l.len() >= 2);
        chromium.until("that it sends several layers", many).await?;
        python.until_sees_wide("chromium", "camera", 960).await?;
        python.tell("quality camera low").await?;
        python.until("a smaller picture", |e| e["event"] == "seen" && e["width"].as_u64() < Some(500)).await?;
        python.forget();
        python.tell("quality camera high").await?;
        python.until_sees_wide("chromium", "camera", 960).await?;
        chromium.leave().await?;
        python.leave().await
    })
    .await
}
