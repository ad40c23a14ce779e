//! What several writes to one commit must not do to each other.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Waker},
};

use diesel::RunQueryDsl;
use tempfile::TempDir;

use super::*;
use crate::{
    db::{Db, Location, Options},
    error::Code,
};

/// A database with one table, and the statements that begin and end transactions on it.
struct Scratch {
    db: Db,
    statements: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let statements = Arc::new(Mutex::new(Vec::new()));
        let seen = statements.clone();
        let options = Options {
            read_connections: 2,
            write_connections: 1,
            wait: Duration::from_secs(60),
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(60),
            observer: Some(Arc::new(move |statement: &str| seen.lock().unwrap().push(statement.to_owned()))),
        };
        let db = Db::open(&Location::Sqlite(folder.path().join("scratch.db")), &options).unwrap();
        db.write_blocking(|tx| sql(tx.conn()?, "CREATE TABLE kept (name TEXT PRIMARY KEY)")).unwrap();
        statements.lock().unwrap().clear();
        Self { db, statements, _folder: folder }
    }

    /// How often something was committed, and what is there now.
    fn outcome(&self) -> (usize, Vec<String>) {
        let commits = self.statements.lock().unwrap().iter().filter(|statement| *statement == "COMMIT").count();
        (commits, self.names())
    }

    fn names(&self) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            name: String,
        }
        let rows = self.db.read_blocking(|conn| {
            diesel::sql_query("SELECT name FROM kept ORDER BY name").load::<Row>(conn).map_err(Error::from)
        });
        rows.unwrap().into_iter().map(|row| row.name).collect()
    }
}

fn sql(conn: &mut Conn, text: &str) -> Result<()> {
    diesel::sql_query(text).execute(conn).map(drop).map_err(Error::from)
}

fn keep(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    sql(tx.conn()?, &format!("INSERT INTO kept (name) VALUES ('{name}')"))
}

/// Asks a write once whether it is done, which queues it up if it is new.
fn is_pending<F: Future + Unpin>(write: &mut F) -> bool {
    Pin::new(write).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

type Work = Box<dyn Fn(&mut Tx<'_>) -> Result<()> + Send>;

/// Runs writes of which the first one waits, in its transaction, until all others have queued up behind it; returns their
/// answers in order.
fn together(scratch: &Scratch, works: Vec<Work>) -> Vec<Result<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (go, wait) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel::<()>();
        let (begin, wait) = (Mutex::new(Some(begin)), Mutex::new(wait));
        let first = scratch.db.write(move |tx| {
            keep(tx, "first")?;
            if let Some(begin) = begin.lock().unwrap().take() {
                begin.send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
            }
            Ok(())
        });
        let others = async {
            begun.await.unwrap();
            let mut others: Vec<_> = works.into_iter().map(|work| Box::pin(scratch.db.write(work))).collect();
            for other in &mut others {
                assert!(is_pending(other));
            }
            go.send(()).unwrap();
            futures_util::future::join_all(others).await
        };
        let (first, others) = futures_util::future::join(first, others).await;
        std::iter::once(first).chain(others).collect()
    })
}

fn keeps(name: &'static str) -> Work {
    Box::new(move |tx| keep(tx, name))
}

#[test]
fn who_waits_together_is_committed_together() {
    let scratch = Scratch::new();

    let answers = together(&scratch, vec![keeps("a"), keeps("b"), keeps("c")]);

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(scratch.outcome(), (1, ["a", "b", "c", "first"].map(str::to_owned).to_vec()));
}

#[test]
fn a_write_that_fails_undoes_itself_and_nothing_else() {
    let scratch = Scratch::new();
    let fails: Work = Box::new(|tx| {
        keep(tx, "half")?;
        Err(Error::new(Code::Conflict, "No."))
    });

    let answers = together(&scratch, vec![keeps("a"), fails, keeps("b")]);

    let is_ok: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, true, false, true]);
    assert_eq!(scratch.outcome(), (1, ["a", "b", "first"].map(str::to_owned).to_vec()));
}

#[test]
fn a_write_that_panics_takes_nobody_with_it() {
    let scratch = Scratch::new();
    let panics: Work = Box::new(|tx| {
        keep(tx, "half")?;
        panic!("on purpose")
    });

    let answers = together(&scratch, vec![keeps("a"), panics, keeps("b")]);

    let is_ok: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, true, false, true]);
    assert_eq!(scratch.names(), ["a", "b", "first"]);
}

#[test]
fn a_write_whose_error_ends_the_whole_transaction_takes_nobody_with_it() {
    let scratch = Scratch::new();
    let breaks: Work = Box::new(|tx| {
        keep(tx, "half")?;
        sql(tx.conn()?, "ROLLBACK")?;
        Err(Error::new(Code::StorageFull, "As when the disk is full."))
    });

    let answers = together(&scratch, vec![keeps("a"), breaks, keeps("b")]);

    let is_ok: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, true, false, true]);
    assert_eq!(scratch.names(), ["a", "b", "first"]);
}

#[test]
fn a_write_that_loses_a_race_sees_what_came_first() {
    let scratch = Scratch::new();
    let tries = Arc::new(Mutex::new(0));
    let counted = tries.clone();
    let loses: Work = Box::new(move |tx| {
        *counted.lock().unwrap() += 1;
        if *counted.lock().unwrap() == 1 { keep(tx, "first") } else { keep(tx, "second") }
    });

    let answers = together(&scratch, vec![keeps("a"), loses, keeps("b")]);

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(*tries.lock().unwrap(), 2);
    assert_eq!(scratch.names(), ["a", "b", "first", "second"]);
}

#[test]
fn nobody_is_answered_before_the_commit() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    runtime.block_on(async {
        let (go, wait) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel::<()>();
        let (first_begins, first_begun) = (begin.clone(), begun);
        let (first_go, first_wait) = mpsc::channel::<()>();
        let (first_wait, wait) = (Mutex::new(first_wait), Mutex::new(wait));
        let first = scratch.db.write(move |tx| {
            keep(tx, "first")?;
            first_begins.send(()).unwrap();
            first_wait.lock().unwrap().recv().unwrap();
            Ok(())
        });
        let second = scratch.db.write(move |tx| {
            begin.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            keep(tx, "second")
        });
        let (mut first, mut second) = (Box::pin(first), Box::pin(second));
        assert!(is_pending(&mut first));
        first_begun.recv().unwrap();
        assert!(is_pending(&mut second));
        first_go.send(()).unwrap();
        // The first one's work is done when the second one's begins, in the same transaction.
        first_begun.recv().unwrap();

        assert!(is_pending(&mut first), "it is answered, and not committed yet");
        assert_eq!(scratch.names(), Vec::<String>::new());

        go.send(()).unwrap();
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(scratch.names(), ["first", "second"]);
    });
}

#[test]
fn a_write_that_nobody_waits_for_any_more_is_not_done() {
    let turn = Turn::default();
    assert!(turn.take_up());
    assert!(!turn.give_up(), "it runs already");

    let turn = Turn::default();
    assert!(turn.give_up());
    assert!(!turn.take_up());
}

#[test]
fn a_write_that_goes_alone_shares_no_commit() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    runtime.block_on(async {
        let (go, wait) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let first = scratch.db.write(move |tx| {
            begin.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            keep(tx, "first")
        });
        let mut first = Box::pin(first);
        assert!(is_pending(&mut first));
        begun.recv().unwrap();
        let mut alone = Box::pin(scratch.db.write_alone(|tx| keep(tx, "alone")));
        let mut last = Box::pin(scratch.db.write(|tx| keep(tx, "last")));
        assert!(is_pending(&mut alone));
        assert!(is_pending(&mut last));
        go.send(()).unwrap();
        let (first, alone, last) = futures_util::future::join3(first, alone, last).await;
        assert!([first, alone, last].iter().all(Result::is_ok));
    });

    assert_eq!(scratch.outcome(), (3, ["alone", "first", "last"].map(str::to_owned).to_vec()));
}
