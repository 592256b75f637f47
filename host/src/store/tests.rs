//! What lasts over a restart, and what happens when the disk says no.

use protocol::shield::ShieldLevel;

use super::*;

fn room() -> RoomId {
    RoomId::parse("r1").unwrap()
}

fn some() -> Vec<Write> {
    let user = UserId::parse("u_1").unwrap();
    vec![
        Write::Room {
            room: room(),
            title: "朝会".into(),
            matrix: Matrix::default(),
            minimum: ShieldMinimum { everyone: ShieldLevel::Detect, ..Default::default() },
            created_at: 5,
        },
        Write::Watermark { room: room(), watermark: Watermark::Both },
        Write::Member {
            room: room(),
            user: user.clone(),
            role: Role::Owner,
            name: DisplayName::parse("花子").unwrap(),
            exempt: true,
        },
        Write::Invite {
            room: room(),
            id: InviteId::parse("i1").unwrap(),
            role: Role::Guest,
            verifier: [7; 32],
            expires_at: 100,
        },
        Write::Session { token: [9; 32], room: room(), user, used_at: 50 },
    ]
}

#[tokio::test]
async fn everything_written_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (store, saved) = Store::open(Some(folder.path())).unwrap();
    assert_eq!(saved, Saved::default());
    for write in some() {
        store.keep(write).await.unwrap();
    }
    // No close, no checkpoint: as after kill -9, the log is all there is.
    let (_other, saved) = Store::open(Some(folder.path())).unwrap();
    assert_eq!(saved.all, some());
    drop(store);
}

#[test]
fn a_file_of_the_first_version_is_brought_along_and_demands_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("host.sqlite")).unwrap();
    let matrix = serde_json::to_string(&Matrix::default()).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE migrations (version INTEGER PRIMARY KEY) STRICT; INSERT INTO migrations VALUES (1);{};
             INSERT INTO room VALUES ('r1', 'old', '{matrix}', 5); INSERT INTO member VALUES ('r1', 'u_1', 'owner', 'n');",
            schema::FIRST
        ))
        .unwrap();
    drop(connection);
    let (_store, saved) = Store::open(Some(folder.path())).unwrap();
    let [Write::Room { minimum, .. }, Write::Member { exempt, .. }] = &saved.all[..] else { panic!("{saved:?}") };
    assert_eq!((*minimum, *exempt), (ShieldMinimum::default(), false));
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(Some(folder.path())).unwrap();
    for write in some() {
        store.keep(write).await.unwrap();
    }
    store.keep(Write::Forget { invites_before: 101, sessions_before: 51 }).await.unwrap();
    let (_other, saved) = Store::open(Some(folder.path())).unwrap();
    assert_eq!(saved.all.len(), 3);
}

#[tokio::test]
async fn a_full_disk_is_a_typed_error_and_heals() {
    let connection = Connection::open_in_memory().unwrap();
    let (store, _) = {
        let (store, saved) = Store::with(connection).unwrap();
        (store, saved)
    };
    drop(store);
    // SQLite itself says "full" when the page limit is reached, exactly as on a full disk.
    let mut connection = Connection::open_in_memory().unwrap();
    schema::prepare(&mut connection).unwrap();
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    connection.execute_batch(&format!("PRAGMA max_page_count = {}", pages + 1)).unwrap();
    let (store, _) = Store::with(connection).unwrap();
    let big = Write::Room {
        room: room(),
        title: "x".repeat(64_000),
        matrix: Matrix::default(),
        minimum: ShieldMinimum::default(),
        created_at: 1,
    };
    assert_eq!(store.keep(big).await, Err(StoreError::Full));
    assert_eq!(store.health(), Some(StoreError::Full));
    assert_eq!(store.failures(), 1);
    store.keep(some().remove(0)).await.unwrap();
    assert_eq!(store.health(), None, "space came back, and so did the store");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("host.sqlite"), vec![0x55; 8192]).unwrap();
    assert_eq!(Store::open(Some(folder.path())).unwrap_err(), StoreError::Damaged);
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(Some(folder.path())).unwrap());
    let connection = Connection::open(folder.path().join("host.sqlite")).unwrap();
    connection.execute("INSERT INTO migrations (version) VALUES (99)", []).unwrap();
    drop(connection);
    assert_eq!(Store::open(Some(folder.path())).unwrap_err(), StoreError::Newer(99));
}

#[test]
fn no_secret_but_only_its_hash_fits_into_the_tables() {
    // The types carry 32-byte hashes; this guards the schema against a column for a proof or token in clear.
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(Some(folder.path())).unwrap());
    let connection = Connection::open(folder.path().join("host.sqlite")).unwrap();
    let sql: String = connection.query_row("SELECT group_concat(sql) FROM sqlite_master", [], |r| r.get(0)).unwrap();
    assert!(!sql.contains("proof") && !sql.contains("secret"), "{sql}");
}
