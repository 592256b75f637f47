//! Nothing secret on disk: profile, store and logs of a whole meeting are searched for every secret it had.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use inspection::office::Office;
use inspection::person::{Guest, guarded};
use protocol::bridge::Nothing;
use protocol::invite::Invite;

/// A secret in every shape it could have been written in.
fn shapes(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
    let mut shapes = vec![
        secret.to_vec(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        STANDARD.encode(secret).into_bytes(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        format!("{secret:?}").into_bytes(),
    ];
    shapes.retain(|shape| shape.len() >= 12);
    shapes
}

fn search(folder: &Path, secrets: &[(String, Vec<u8>)], files: &mut usize) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            search(&path, secrets, files)?;
            continue;
        }
        *files += 1;
        let bytes = std::fs::read(&path)?;
        for (name, secret) in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_slice());
            anyhow::ensure!(!found, "{} holds {name}", path.display());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_on_disk_or_in_a_log_after_a_meeting() -> anyhow::Result<()> {
    guarded(async {
        let folder = tempfile::tempdir()?;
        let mut office = Office::start(folder.path()).await?;
        let owner = Guest::humming("Owner", 440.0).await?;
        owner.join(&office.invite, true, true).await?;
        owner.until_in().await?;
        let member = Guest::humming("Member", 660.0).await?;
        member.join(&office.member, true, false).await?;
        member.until_in().await?;
        owner.until_hears(660.0).await?;

        let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |name: &str, secret: &[u8]| {
            secrets.extend(shapes(secret).into_iter().map(|shape| (name.to_owned(), shape)));
        };
        for link in [&office.invite, &office.member] {
            let invite = Invite::parse(link)?;
            add("an invitation's entry secret", invite.secret.entry.expose());
            add("the media secret", invite.secret.media.expose());
            add("the broadcast secret", invite.secret.broadcast.expose());
            add("a link's secret part", link.rsplit_once('#').expect("a link has a secret").1.as_bytes());
        }
        for guest in [&owner, &member] {
            let kept = guest.vault.all();
            anyhow::ensure!(!kept.is_empty(), "what brings a person back is kept in the vault");
            for (name, secret) in kept {
                add(&format!("the vault's {name}"), &secret);
            }
        }
        owner.client.leave(Nothing {}).await?;
        owner.client.shutdown().await;
        member.client.shutdown().await;
        office.kill().await?;

        // The host's key file was asked for on the command line; it is the one place where its keys may be.
        let keys = std::fs::read(folder.path().join("keys"))?;
        std::fs::remove_file(folder.path().join("keys"))?;
        for piece in keys.chunks(32).filter(|p| p.len() == 32) {
            add("a piece of the host's keys", piece);
        }
        let mut files = 0;
        for place in [folder.path(), owner.profile.path(), member.profile.path()] {
            search(place, &secrets, &mut files)?;
        }
        anyhow::ensure!(files >= 4, "there was something to search: {files} files");

        // The search works: a secret that is there is found.
        std::fs::write(folder.path().join("canary"), &secrets[0].1)?;
        assert!(search(folder.path(), &secrets, &mut files).is_err(), "a canary must be found");
        Ok(())
    })
    .await
}
