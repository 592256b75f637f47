//! A participant who comes with a LiveKit token instead of an invitation, as an official SDK would.

use inspection::person::guarded;
use inspection::visitors::Visitor;
use inspection::world::World;
use protocol::bridge::{SealView, TrackState};
use protocol::policy::{Role, TrackSource};

pub(crate) async fn stranger(
    world: &World,
    name: &str,
    passphrase: &str,
    more: &[&str],
) -> anyhow::Result<(Visitor, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, world.host()?.ca_pem())?;
    let url = format!("wss://{}", world.at());
    let mut words = vec!["--url", &url, "--token", "-", "--name", name, "--tone", "660", "--passphrase", passphrase];
    words.extend(more);
    // The machine's trust store is asked, as for any foreign server; this makes our CA part of it for one process.
    let visitor = Visitor::start(&words, &world.token(name, Role::Member)?, &[("SSL_CERT_FILE", &ca)]).await?;
    Ok((visitor, folder))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_token_and_passphrase_is_inside_the_seal() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let (mut visitor, _folder) =
            stranger(&world, "Token", &world.passphrase(), &["--listen", "440", "--for", "20"]).await?;
        owner.until_plays("Token", TrackSource::Microphone).await?;
        owner.until_hears(660.0).await?;
        let summary = visitor.until("the summary", |e| e["event"] == "summary").await?;
        assert!(summary["notes"][0]["share"].as_f64() > Some(0.3), "it hears the owner too: {summary}");
        assert!(visitor.ended().await?);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsealed_peer_is_refused_by_everyone() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let (_visitor, _folder) = stranger(&world, "Open", "", &[]).await?;
        owner.until_track("Open", TrackSource::Microphone, TrackState::RefusedUnsealed).await?;
        owner.until_silent(660.0).await?;
        let seal = owner.meeting()?.seal;
        assert!(matches!(seal, SealView::Partly { refused: 1.., .. }), "the meeting says so: {seal:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_nobody_trusts_is_refused_in_words() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let url = format!("wss://{}", world.at());
        let token = world.token("Token", Role::Member)?;
        let mut visitor = Visitor::start(&["--url", &url, "--token", "-"], &token, &[]).await?;
        let failed = visitor.until("the refusal", |e| e["event"] == "failed").await?;
        assert_eq!(failed["code"], "certificate_unknown", "{failed}");
        assert!(!visitor.ended().await?, "a refusal is not a success");
        Ok(())
    })
    .await
}
