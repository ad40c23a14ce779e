//! What an entry's digest and chain are computed from; whoever verifies elsewhere needs to know only this file.
//!
//! A digest is the SHA-256 of the name of the form, then each member in the order of the table up to `request_id`: a zero
//! byte for what is absent, else a one, the length in eight bytes with the highest first, and the bytes. Ids are sixteen
//! bytes, times the milliseconds since 1970 in eight, the rest is UTF-8. A chain is the SHA-256 of the chain before and
//! the digest, both as 64 hexadecimal digits.

use super::Row;
use crate::secrets::sha256_hex;

/// What the first entry follows from.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The name of the form, so that a later one cannot be taken for it.
const FORM: &[u8] = b"frontpage audit 1";

/// Returns the digest of what an entry says.
pub fn of(row: &Row) -> String {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(FORM);
    let members: [Option<&[u8]>; 10] = [
        Some(row.id.uuid().as_bytes()),
        Some(&row.at.millis().to_be_bytes()),
        row.actor_id.as_ref().map(|id| id.uuid().as_bytes().as_slice()),
        Some(row.actor.as_bytes()),
        Some(row.action.as_bytes()),
        Some(row.resource.as_bytes()),
        Some(row.resource_id.as_bytes()),
        Some(row.details.as_bytes()),
        row.address.as_ref().map(String::as_bytes),
        row.request_id.as_ref().map(String::as_bytes),
    ];
    for member in members {
        let Some(member) = member else {
            bytes.push(0);
            continue;
        };
        bytes.push(1);
        bytes.extend_from_slice(&u64::try_from(member.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(member);
    }
    sha256_hex(&bytes)
}

/// Returns the chain of an entry that follows another.
pub fn chain(before: &str, digest: &str) -> String {
    sha256_hex(format!("{before}{digest}").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        clock::Instant,
        ids::{AuditId, UserId},
    };

    fn row() -> Row {
        let uuid = uuid::Uuid::from_u128(0x0193_f0a2_6d7e_7c11_9d6b_0f6a_3c1e_5b7a);
        Row {
            id: AuditId::from_uuid(uuid),
            at: Instant::from_millis(1_700_000_000_123).unwrap(),
            actor_id: Some(UserId::from_uuid(uuid)),
            actor: "editor".to_owned(),
            action: "article.published".to_owned(),
            resource: "article".to_owned(),
            resource_id: "a".to_owned(),
            details: "{}".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            request_id: None,
            digest: String::new(),
            position: None,
            chain: None,
        }
    }

    #[test]
    fn rows_that_differ_anywhere_have_different_digests() {
        let changes: [fn(&mut Row); 15] = [
            |_| {},
            |row| row.id = AuditId::from_uuid(uuid::Uuid::nil()),
            |row| row.at = Instant::from_millis(1_700_000_000_124).unwrap(),
            |row| row.actor_id = None,
            |row| row.actor = "admin".to_owned(),
            |row| row.action = "article.fixed".to_owned(),
            |row| row.resource = "tag".to_owned(),
            |row| row.resource_id = "b".to_owned(),
            |row| row.details = "{ }".to_owned(),
            |row| row.address = None,
            |row| row.address = Some(String::new()),
            |row| row.request_id = Some(String::new()),
            |row| row.request_id = Some("192.0.2.1".to_owned()),
            // What moves from one member to the next.
            |row| (row.resource, row.resource_id) = ("articlea".to_owned(), String::new()),
            |row| (row.address, row.request_id) = (None, Some("192.0.2.1".to_owned())),
        ];

        let digests: BTreeSet<String> = changes
            .iter()
            .map(|change| {
                let mut row = row();
                change(&mut row);
                of(&row)
            })
            .collect();

        assert_eq!(digests.len(), changes.len());
    }

    #[test]
    fn the_form_never_changes() {
        // Entries of years ago must verify; a new form needs a new name and a way to tell which entries have which.
        assert_eq!(of(&row()), "af7b3b2d6755261de1b3c2aa8e008a19a16f7d3d8a868bac1311be1875fccd6a");
        assert_eq!(chain(GENESIS, &of(&row())), "4fb0e1350dc12b7951742444edd2c4edb470cb26366ccf6ac81e2d3b1594c218");
    }
}
