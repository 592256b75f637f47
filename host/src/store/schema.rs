//! The tables, their migrations, and the few statements that fill and read them.
//! Runs on the store's thread. A migration is never changed after it was released; a new one is added behind it.

use protocol::ids::{DisplayName, InviteId, RoomId, UserId};
use protocol::policy::{Matrix, Role};
use protocol::shield::ShieldMinimum;
use rusqlite::{Connection, params};

use super::{Hash, Saved, StoreError, Write};
use crate::token::role_word;

/// Migration N brings a file of version N to N + 1.
const MIGRATIONS: &[&str] = &[FIRST, PROTECTION, WATERMARK];

pub(super) const FIRST: &str = "
    CREATE TABLE room (id TEXT PRIMARY KEY, title TEXT NOT NULL, matrix TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
    CREATE TABLE member (room TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE, user TEXT NOT NULL, role TEXT NOT NULL,
        name TEXT NOT NULL, PRIMARY KEY (room, user)) STRICT, WITHOUT ROWID;
    CREATE TABLE invite (id TEXT PRIMARY KEY, room TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE, role TEXT NOT NULL,
        verifier BLOB NOT NULL, expires_at INTEGER NOT NULL) STRICT;
    CREATE TABLE session (token BLOB PRIMARY KEY, room TEXT NOT NULL REFERENCES room(id) ON DELETE CASCADE,
        user TEXT NOT NULL, used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Rooms demand protection, and people are exempt from it.
const PROTECTION: &str = "
    ALTER TABLE room ADD COLUMN minimum TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE member ADD COLUMN exempt INTEGER NOT NULL DEFAULT 0;
";

/// Rooms have watermarks.
const WATERMARK: &str = "
    CREATE TABLE watermark (room TEXT PRIMARY KEY REFERENCES room(id) ON DELETE CASCADE, kind TEXT NOT NULL)
        STRICT, WITHOUT ROWID;
";

pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    // WAL with NORMAL: a killed process loses nothing, a power cut at most the last moment.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY) STRICT;",
    )?;
    let have: i64 = connection.query_row("SELECT COALESCE(MAX(version), 0) FROM migrations", [], |r| r.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    if have > known {
        return Err(StoreError::Newer(have));
    }
    let start = usize::try_from(have).map_err(|_| StoreError::Damaged)?;
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(start) {
        let step = connection.transaction()?;
        step.execute_batch(sql)?;
        step.execute("INSERT INTO migrations (version) VALUES (?1)", [i64::try_from(index + 1).expect("a handful")])?;
        step.commit()?;
    }
    Ok(())
}

pub(super) fn apply(connection: &Connection, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Room { room, title, matrix, minimum, created_at } => {
            let matrix = serde_json::to_string(matrix).map_err(|_| StoreError::Other("matrix".into()))?;
            let minimum = serde_json::to_string(minimum).map_err(|_| StoreError::Other("minimum".into()))?;
            connection
                .prepare_cached(
                    "INSERT INTO room (id, title, matrix, created_at, minimum) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET title = excluded.title, matrix = excluded.matrix,
                 minimum = excluded.minimum",
                )?
                .execute(params![room.as_str(), title, matrix, created_at, minimum])?;
        }
        Write::Member { room, user, role, name, exempt } => {
            connection
                .prepare_cached(
                    "INSERT INTO member (room, user, role, name, exempt) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (room, user) DO UPDATE SET role = excluded.role, name = excluded.name,
                 exempt = excluded.exempt",
                )?
                .execute(params![room.as_str(), user.as_str(), role_word(*role), name.as_str(), exempt])?;
        }
        Write::Watermark { room, watermark } => {
            let kind = serde_json::to_string(watermark).map_err(|_| StoreError::Other("watermark".into()))?;
            connection
                .prepare_cached(
                    "INSERT INTO watermark VALUES (?1, ?2) ON CONFLICT (room) DO UPDATE SET kind = excluded.kind",
                )?
                .execute(params![room.as_str(), kind])?;
        }
        Write::Invite { room, id, role, verifier, expires_at } => {
            connection.prepare_cached("INSERT INTO invite VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                id.as_str(),
                room.as_str(),
                role_word(*role),
                verifier,
                expires_at
            ])?;
        }
        Write::Session { token, room, user, used_at } => {
            connection.prepare_cached(
                "INSERT INTO session VALUES (?1, ?2, ?3, ?4) ON CONFLICT (token) DO UPDATE SET used_at = excluded.used_at",
            )?
            .execute(params![token, room.as_str(), user.as_str(), used_at])?;
        }
        Write::Forget { invites_before, sessions_before } => {
            connection.prepare_cached("DELETE FROM invite WHERE expires_at < ?1")?.execute([invites_before])?;
            connection.prepare_cached("DELETE FROM session WHERE used_at < ?1")?.execute([sessions_before])?;
        }
    }
    Ok(())
}

pub(super) fn read(connection: &Connection) -> Result<Saved, StoreError> {
    let mut all = Vec::new();
    let mut rooms = connection.prepare("SELECT id, title, matrix, created_at, minimum FROM room")?;
    let mut rows = rooms.query([])?;
    while let Some(row) = rows.next()? {
        let matrix: String = row.get(2)?;
        let matrix: Matrix = serde_json::from_str(&matrix).map_err(|_| StoreError::Damaged)?;
        let minimum: String = row.get(4)?;
        let minimum: ShieldMinimum = serde_json::from_str(&minimum).map_err(|_| StoreError::Damaged)?;
        all.push(Write::Room {
            room: room(row.get(0)?)?,
            title: row.get(1)?,
            matrix,
            minimum,
            created_at: row.get(3)?,
        });
    }
    let mut watermarks = connection.prepare("SELECT room, kind FROM watermark")?;
    let mut rows = watermarks.query([])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let watermark = serde_json::from_str(&kind).map_err(|_| StoreError::Damaged)?;
        all.push(Write::Watermark { room: room(row.get(0)?)?, watermark });
    }
    let mut members = connection.prepare("SELECT room, user, role, name, exempt FROM member")?;
    let mut rows = members.query([])?;
    while let Some(row) = rows.next()? {
        let name = DisplayName::parse(row.get::<_, String>(3)?).map_err(|_| StoreError::Damaged)?;
        let (room, user, role, exempt) = (room(row.get(0)?)?, user(row.get(1)?)?, role(row.get(2)?)?, row.get(4)?);
        all.push(Write::Member { room, user, role, name, exempt });
    }
    let mut invites = connection.prepare("SELECT id, room, role, verifier, expires_at FROM invite")?;
    let mut rows = invites.query([])?;
    while let Some(row) = rows.next()? {
        let verifier: Hash = row.get(3)?;
        let id = InviteId::parse(row.get::<_, String>(0)?).map_err(|_| StoreError::Damaged)?;
        let (room, role) = (room(row.get(1)?)?, role(row.get(2)?)?);
        all.push(Write::Invite { room, id, role, verifier, expires_at: row.get(4)? });
    }
    let mut sessions = connection.prepare("SELECT token, room, user, used_at FROM session")?;
    let mut rows = sessions.query([])?;
    while let Some(row) = rows.next()? {
        let token: Hash = row.get(0)?;
        all.push(Write::Session { token, room: room(row.get(1)?)?, user: user(row.get(2)?)?, used_at: row.get(3)? });
    }
    Ok(Saved { all })
}

fn room(text: String) -> Result<RoomId, StoreError> {
    RoomId::parse(text).map_err(|_| StoreError::Damaged)
}

fn user(text: String) -> Result<UserId, StoreError> {
    UserId::parse(text).map_err(|_| StoreError::Damaged)
}

fn role(text: String) -> Result<Role, StoreError> {
    Role::ALL.into_iter().find(|r| role_word(*r) == text).ok_or(StoreError::Damaged)
}
