//! Writes to SQLite that share a commit: whoever waits for the one writer anyway waits for one sync of the disk together.
//!
//! Jobs queue up; one thread at a time leads. It begins a transaction, runs the first job in it, and then those that have
//! come meanwhile, each in a savepoint of its own, so a job that fails undoes only itself. Nobody is answered before the
//! commit. What a job does when it fails, loses a race or was given up is what [`attempt_write`](super::attempt_write) does.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{connection::TransactionManager, r2d2};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Conn, Door, Tx,
    attempt::{Isolation, RACES_FOR, Start, begin, pause_after},
    commits::Word,
    connect::{Manager, Pooled},
    moment,
    queue::{Pace, refuse},
};
use crate::{
    error::{Error, Result, Trouble},
    metrics::PoolState,
};

/// The most jobs that share a commit.
const MOST: usize = 64;

/// For how long jobs join a transaction, so that the first of them is not kept waiting for its answer.
///
/// Tests count commits, however slow the machine is.
const JOINS_FOR: Duration = if cfg!(test) { Duration::from_secs(60) } else { Duration::from_millis(10) };

/// The writes that wait, and whether somebody sees to them.
#[derive(Clone, Default)]
pub(super) struct Jobs {
    waiting: Arc<Mutex<Waiting>>,
    pace: Pace,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    is_led: bool,
}

/// Whether there is somebody who sees to the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    There,
    Needed,
}

/// A write, whatever it answers.
trait Job: Send {
    /// Takes the job up; returns whether anybody still waits for it.
    fn take_up(&self) -> bool;

    /// Returns whether the job wants a transaction of its own.
    fn goes_alone(&self) -> bool;

    /// Sees to it that the job gets a transaction of its own next time.
    fn send_alone(&mut self);

    /// Does the work, and keeps the answer until it is to be given.
    fn run(&mut self, conn: &mut Conn) -> Verdict;

    /// Returns whether the caller was told that nothing happened.
    fn is_over(&self) -> bool;

    /// Returns whether the job has been tried for as long as it may be.
    fn is_late(&self) -> bool;

    /// Tells who is to be told that it is committed.
    fn tell(&mut self);

    /// Gives the answer that was kept.
    fn answer(self: Box<Self>);

    /// Gives another answer: nothing happened.
    fn fail(self: Box<Self>, error: Error);
}

/// How the work of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is to be committed.
    Done,
    /// It is to be undone.
    Failed,
    /// It lost a race: it is to be undone and done again.
    Again,
    /// It panicked: nobody knows in what state the connection is.
    Panicked,
}

/// The answer of a write that was taken up.
pub(super) enum Answer<T> {
    /// It is there.
    Ready(Option<Result<T>>),
    /// A thread works on it alone.
    Task(JoinHandle<Result<T>>),
    /// Whoever leads the queue gives it.
    Queued(oneshot::Receiver<Result<T>>),
}

impl<T> Answer<T> {
    pub(super) async fn get(&mut self) -> Result<T> {
        match self {
            Self::Ready(answer) => {
                answer.take().unwrap_or_else(|| Err(Error::internal("an answer was asked for twice")))
            }
            Self::Task(task) => task.await.unwrap_or_else(|panic| Err(Error::internal(panic))),
            Self::Queued(answer) => answer.await.unwrap_or_else(|gone| Err(Error::internal(gone))),
        }
    }
}

impl Door {
    /// Queues a write up, and waits until it is taken up.
    pub(super) async fn join<T, F>(&self, queue: &Jobs, start: Start, work: F) -> Result<Answer<T>>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, mut answer) = oneshot::channel();
        let turn = Turn::default();
        let Some((leader, before)) = queue.push(Task::boxed(work, start, turn.clone(), reply)) else {
            return Err(refuse().await);
        };
        if leader == Lead::Needed {
            let (queue, pool) = (queue.clone(), self.pool.clone());
            // Nobody waits for it: it ends when the queue is empty.
            drop(tokio::task::spawn_blocking(move || lead(&queue, &pool)));
        }
        let began = Instant::now();
        let ready = tokio::time::timeout(self.wait, &mut answer).await;
        queue.pace.note(before, began.elapsed());
        match ready {
            Ok(answer) => Ok(Answer::Ready(Some(answer.unwrap_or_else(|gone| Err(Error::internal(gone)))))),
            Err(_) if turn.give_up() => Err(Error::unavailable("no database connection became free in time")),
            Err(_) => Ok(Answer::Queued(answer)),
        }
    }
}

/// Where a job stands for whoever waits for it.
#[derive(Clone, Default)]
struct Turn(Arc<AtomicU8>);

const WAITS: u8 = 0;
const RUNS: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Turn {
    /// Gives the job up unless it was taken up; returns whether it is given up.
    fn give_up(&self) -> bool {
        self.0.compare_exchange(WAITS, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn take_up(&self) -> bool {
        !matches!(self.0.compare_exchange(WAITS, RUNS, Ordering::SeqCst, Ordering::SeqCst), Err(GIVEN_UP))
    }
}

/// A write with its work and the way to its caller.
struct Task<T, F> {
    work: F,
    start: Start,
    turn: Turn,
    is_alone: bool,
    began: Option<Instant>,
    attempt: u32,
    kept: Option<Result<T>>,
    word: Option<Word>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Task<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    fn boxed(work: F, start: Start, turn: Turn, reply: oneshot::Sender<Result<T>>) -> Box<dyn Job> {
        let is_alone = start.isolation == Isolation::Committed;
        Box::new(Self { work, start, turn, is_alone, began: None, attempt: 0, kept: None, word: None, reply })
    }
}

impl<T, F> Job for Task<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    fn take_up(&self) -> bool {
        self.turn.take_up() && !self.is_over()
    }

    fn goes_alone(&self) -> bool {
        self.is_alone
    }

    fn send_alone(&mut self) {
        self.is_alone = true;
    }

    fn run(&mut self, conn: &mut Conn) -> Verdict {
        self.began.get_or_insert_with(Instant::now);
        self.attempt += 1;
        let origin = self.start.origin.clone();
        let work = || {
            let now = moment::now(conn)?;
            let mut tx = Tx::new(conn, now, origin);
            (self.work)(&mut tx).and_then(|value| Ok((value, tx.end()?)))
        };
        let result = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result,
            Err(_) => {
                self.kept = Some(Err(Error::internal("a write panicked; the panic is logged above")));
                return Verdict::Panicked;
            }
        };
        match result {
            Err(error) if error.trouble() == Some(Trouble::LostRace) && !self.is_late() => {
                pause_after(self.attempt);
                Verdict::Again
            }
            Ok(_) if self.is_over() => Verdict::Failed,
            Ok((value, word)) => {
                (self.kept, self.word) = (Some(Ok(value)), word);
                Verdict::Done
            }
            Err(error) => {
                self.kept = Some(Err(error));
                Verdict::Failed
            }
        }
    }

    fn is_over(&self) -> bool {
        self.start.is_over.load(Ordering::SeqCst)
    }

    fn is_late(&self) -> bool {
        self.is_over() || self.began.is_some_and(|began| began.elapsed() >= RACES_FOR)
    }

    fn tell(&mut self) {
        self.start.commits.tell(self.word.take());
    }

    fn answer(self: Box<Self>) {
        let kept = self.kept.unwrap_or_else(|| Err(Error::unavailable("the write was given up")));
        // Whoever asked may have gone; then nobody needs the answer.
        let _ = self.reply.send(kept);
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl Jobs {
    /// Adds a job unless too many wait; says whether the caller has to see to it that somebody [`lead`]s, and how many come
    /// before it.
    fn push(&self, job: Box<dyn Job>) -> Option<(Lead, usize)> {
        let mut waiting = self.lock();
        let before = waiting.jobs.len();
        if !self.pace.admits(before, 1) {
            return None;
        }
        waiting.jobs.push_back(job);
        let leader = if std::mem::replace(&mut waiting.is_led, true) { Lead::There } else { Lead::Needed };
        Some((leader, before))
    }

    /// Returns the state of the one connection, and how many wait for it.
    pub(super) fn state(&self) -> PoolState {
        let waiting = self.lock();
        PoolState { size: 1, in_use: usize::from(waiting.is_led), waiting: waiting.jobs.len() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing can panic while it is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next job; when there is none, the leader has left.
    fn next_or_leave(&self) -> Option<Box<dyn Job>> {
        let mut waiting = self.lock();
        while let Some(job) = waiting.jobs.pop_front() {
            if job.take_up() {
                return Some(job);
            }
        }
        waiting.is_led = false;
        None
    }

    /// Takes the next job unless it wants a transaction of its own.
    fn next_to_join(&self) -> Option<Box<dyn Job>> {
        let mut waiting = self.lock();
        while let Some(job) = waiting.jobs.pop_front() {
            if job.goes_alone() {
                waiting.jobs.push_front(job);
                return None;
            }
            if job.take_up() {
                return Some(job);
            }
        }
        None
    }

    /// Puts jobs back to where they came from, to be run once more.
    fn put_back(&self, jobs: Vec<Box<dyn Job>>) {
        let mut waiting = self.lock();
        for job in jobs.into_iter().rev() {
            waiting.jobs.push_front(job);
        }
    }
}

/// Sees to the jobs until there are none.
fn lead(queue: &Jobs, pool: &r2d2::Pool<Manager>) {
    let _led = Led(queue);
    while let Some(job) = queue.next_or_leave() {
        match pool.get() {
            Err(error) => job.fail(Error::unavailable(error)),
            Ok(mut pooled) => {
                let Pooled { conn, is_lost, .. } = &mut *pooled;
                *is_lost = run_together(conn, job, queue) == Connection::Unknown;
            }
        }
    }
}

/// Should the leader fall, those who wait hear of it, and the next one who comes leads.
struct Led<'a>(&'a Jobs);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut waiting = self.0.lock();
            waiting.is_led = false;
            waiting.jobs.clear();
        }
    }
}

/// What can be said of a connection after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Well,
    /// It is not known whether a transaction is still open on it; to be thrown away.
    Unknown,
}

/// Runs a job, and those that come meanwhile, in one transaction; answers them once it is committed.
fn run_together(conn: &mut Conn, mut first: Box<dyn Job>, queue: &Jobs) -> Connection {
    if let Err(error) = begin(conn, Isolation::Serializable) {
        // Another program has held the database for as long as this one waits.
        first.fail(Error::unavailable(Error::from(error)));
        return Connection::Well;
    }
    let is_alone = first.goes_alone();
    match first.run(conn) {
        Verdict::Done => {}
        // Nobody has joined it yet, so that all of the transaction may go.
        verdict => return settle(first, verdict, undo(conn), queue),
    }
    let (began, mut done) = (Instant::now(), vec![first]);
    while !is_alone && done.len() < MOST && began.elapsed() < JOINS_FOR {
        let Some(mut job) = queue.next_to_join() else { break };
        if Conn::begin_transaction(conn).is_err() {
            queue.put_back(vec![job]);
            return redo(done, undo(conn), queue);
        }
        let verdict = job.run(conn);
        let ended = match verdict {
            Verdict::Done => Conn::commit_transaction(conn),
            Verdict::Failed | Verdict::Again => Conn::rollback_transaction(conn),
            Verdict::Panicked => Err(diesel::result::Error::BrokenTransactionManager),
        };
        match (verdict, ended) {
            (Verdict::Done, Ok(())) => done.push(job),
            (Verdict::Done, Err(_)) => {
                done.push(job);
                return redo(done, undo(conn), queue);
            }
            (verdict, Ok(())) => drop(settle(job, verdict, Connection::Well, queue)),
            // The whole transaction is gone, as when the disk is full: only this job is known to be at fault.
            (verdict, Err(_)) => {
                let connection = redo(done, undo(conn), queue);
                return settle(job, verdict, connection, queue);
            }
        }
    }
    commit(conn, done, queue)
}

/// Commits, and answers all whose work that was.
fn commit(conn: &mut Conn, mut done: Vec<Box<dyn Job>>, queue: &Jobs) -> Connection {
    // Who was answered 503 must not find it done a moment later.
    if done.iter().any(|job| job.is_over()) {
        let connection = undo(conn);
        let (over, others): (Vec<_>, Vec<_>) = done.into_iter().partition(|job| job.is_over());
        drop(over);
        queue.put_back(others);
        return connection;
    }
    match Conn::commit_transaction(conn) {
        Ok(()) => {
            done.iter_mut().for_each(|job| job.tell());
            done.into_iter().for_each(Job::answer);
            Connection::Well
        }
        Err(error) => {
            let error = Error::from(error);
            let connection = undo(conn);
            // Each of several is to hear what is wrong with its own.
            let is_raced = error.trouble() == Some(Trouble::LostRace) && !done.iter().any(|job| job.is_late());
            match (done.pop(), done.is_empty()) {
                (Some(only), true) if !is_raced => only.fail(error),
                (last, _) => {
                    tracing::debug!(%error, "A commit failed; what it was to keep is done once more");
                    done.extend(last);
                    return redo(done, connection, queue);
                }
            }
            connection
        }
    }
}

/// Ends a job that is not to be committed.
fn settle(job: Box<dyn Job>, verdict: Verdict, connection: Connection, queue: &Jobs) -> Connection {
    match verdict {
        Verdict::Again => {
            queue.put_back(vec![job]);
            connection
        }
        Verdict::Panicked => {
            job.answer();
            Connection::Unknown
        }
        Verdict::Done | Verdict::Failed => {
            job.answer();
            connection
        }
    }
}

/// Has jobs run once more, each in a transaction of its own.
fn redo(mut jobs: Vec<Box<dyn Job>>, connection: Connection, queue: &Jobs) -> Connection {
    jobs.iter_mut().for_each(|job| job.send_alone());
    queue.put_back(jobs);
    connection
}

/// Rolls all of the transaction back.
fn undo(conn: &mut Conn) -> Connection {
    // Savepoints that are still open count as transactions of their own.
    for _ in 0..2 {
        if Conn::rollback_transaction(conn).is_err() {
            return Connection::Unknown;
        }
        if matches!(Conn::transaction_manager_status_mut(conn).transaction_depth(), Ok(None)) {
            return Connection::Well;
        }
    }
    Connection::Unknown
}

#[cfg(test)]
mod tests;
