//! Verifying: computes every digest and the chain anew, and names the first entry that is not what it was.
//!
//! Reads a bounded number of entries at a time. Whoever can write to the database can compute a new chain to its end,
//! or take entries off the end; both show against a [`Head`] that was noted elsewhere. Start at [`verify`].

use std::fmt;

use diesel::prelude::*;

use super::{Row, digest};
use crate::{
    clock::Instant,
    db::{Db, schema::audit},
    error::{Code, Error, Result},
    ids::AuditId,
};

/// As many entries are in memory at a time.
const BATCH: i64 = 1000;

/// The end of the chain at some time: what an operator notes elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries are sealed.
    pub position: i64,
    /// The chain of the last.
    pub chain: String,
}

impl Head {
    /// Reads `POSITION:CHAIN`.
    ///
    /// # Errors
    /// When it has another form; the message is for the operator.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once(':').and_then(|(position, chain)| Some((position.parse().ok()?, chain)));
        match parts {
            Some((position, chain))
                if position >= 0 && chain.len() == 64 && chain.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                Ok(Self { position, chain: chain.to_ascii_lowercase() })
            }
            _ => Err("must be POSITION:CHAIN, as an earlier `audit verify` printed it".to_owned()),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.chain)
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many sealed entries are as they were.
    pub n_sealed: u64,
    /// How many entries are not sealed yet, and as they were.
    pub n_unsealed: u64,
    /// The end of the chain as far as it holds.
    pub head: Head,
    /// What is wrong with the first entry that is not as it was.
    pub fault: Option<String>,
}

/// Verifies the audit from a position on, which is at least 1, and that it holds what an operator noted.
///
/// What comes before is taken for what it says of itself, so only from 1 on is everything verified.
///
/// # Errors
/// When the database fails. A fault in the audit is none: it is in the report.
pub fn verify(db: &Db, from: i64, noted: Option<&Head>) -> Result<Report> {
    let mut report = Report { n_sealed: 0, n_unsealed: 0, head: Head::genesis(), fault: None };
    report.fault = match run(db, from, noted, &mut report) {
        Ok(()) => None,
        Err(Stop::Fault(fault)) => Some(fault),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(report)
}

/// Why verifying goes no further.
enum Stop {
    Fault(String),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn run(db: &Db, from: i64, noted: Option<&Head>, report: &mut Report) -> std::result::Result<(), Stop> {
    if from > 1 {
        report.head = chain_at(db, from - 1)?;
    }
    if let Some(noted) = noted.filter(|noted| noted.position > 0) {
        let found = chain_at(db, noted.position)?;
        if found != *noted {
            let what = "is not the one that was noted: it, or an entry before it, was replaced";
            return Err(Stop::Fault(format!("the chain at position {} {what}", noted.position)));
        }
    }
    check_sealed(db, report)?;
    check_unsealed(db, report)?;
    // What was sealed meanwhile has been in neither.
    check_sealed(db, report)
}

/// Returns the end of the chain as an entry has it.
fn chain_at(db: &Db, position: i64) -> std::result::Result<Head, Stop> {
    let found = db.read_blocking(|conn| {
        let chain = audit::table.filter(audit::position.eq(position)).select(audit::chain);
        Ok(chain.first::<Option<String>>(conn).optional()?)
    })?;
    match found.flatten() {
        Some(chain) => Ok(Head { position, chain }),
        None => Err(Stop::Fault(format!("the entry at position {position} is missing: it was removed, or moved"))),
    }
}

fn check_sealed(db: &Db, report: &mut Report) -> std::result::Result<(), Stop> {
    loop {
        let after = report.head.position;
        let rows = read(&format!("after position {after}"), |limit| {
            db.read_blocking(|conn| {
                let rows = audit::table.filter(audit::position.gt(after)).order(audit::position);
                Ok(rows.limit(limit).select(Row::as_select()).load(conn)?)
            })
        })?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            check_place(row, &report.head)?;
            check_content(row)?;
            let next = report.head.next(&row.digest);
            if row.chain.as_ref() != Some(&next.chain) {
                let what = "does not follow from the one before: it was altered, inserted or moved";
                return Err(Stop::Fault(format!("{} {what}", named(row))));
            }
            report.head = next;
            report.n_sealed += 1;
        }
    }
}

fn check_place(row: &Row, head: &Head) -> std::result::Result<(), Stop> {
    let next = head.position + 1;
    let fault = match row.position.unwrap_or_default() {
        position if position == next => return Ok(()),
        position if position == next + 1 => {
            format!("the entry at position {next} is missing: it was removed, or moved")
        }
        position => {
            let last = position - 1;
            format!("the entries at the positions {next} to {last} are missing: they were removed, or moved")
        }
    };
    Err(Stop::Fault(fault))
}

fn check_content(row: &Row) -> std::result::Result<(), Stop> {
    if digest::of(row) == row.digest {
        return Ok(());
    }
    Err(Stop::Fault(format!("{} was altered: it does not have the digest of what it says", named(row))))
}

fn check_unsealed(db: &Db, report: &mut Report) -> std::result::Result<(), Stop> {
    let mut place: Option<(Instant, AuditId)> = None;
    loop {
        let rows = read("among those not sealed yet", |limit| {
            db.read_blocking(|conn| {
                let mut query = audit::table.filter(audit::position.is_null()).select(Row::as_select()).into_boxed();
                if let Some((at, id)) = place {
                    query = query.filter(audit::at.ge(at)).filter(audit::at.gt(at).or(audit::id.gt(id)));
                }
                Ok(query.order((audit::at, audit::id)).limit(limit).load(conn)?)
            })
        })?;
        let Some(last) = rows.last() else { return Ok(()) };
        place = Some((last.at, last.id));
        for row in &rows {
            check_content(row)?;
            if row.chain.is_some() {
                return Err(Stop::Fault(format!("{} was altered: it has lost its position", named(row))));
            }
            report.n_unsealed += 1;
        }
    }
}

/// Reads a batch; one that cannot be read is read again entry by entry, to say which is at fault.
fn read(place: &str, batch: impl Fn(i64) -> Result<Vec<Row>>) -> std::result::Result<Vec<Row>, Stop> {
    let is_unreadable = |error: &Error| error.code() == Code::Internal;
    match batch(BATCH) {
        Err(error) if is_unreadable(&error) => match batch(1) {
            Err(error) if is_unreadable(&error) => {
                Err(Stop::Fault(format!("the first entry {place} was altered: it cannot be read")))
            }
            rows => Ok(rows?),
        },
        rows => Ok(rows?),
    }
}

/// Names an entry to an operator.
fn named(row: &Row) -> String {
    let place = row.position.map_or_else(|| "that is not sealed yet".to_owned(), |at| format!("at position {at}"));
    format!("the entry {place} ({}, {} on {}, {})", row.id, row.action, row.resource_id, row.at)
}
