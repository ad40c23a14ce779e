//! Threads that wait for others, so that no thread of the runtime does.
//!
//! They are none of the runtime's because whoever stops the server waits for those, and a slow endpoint would hold that up.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// For how long a thread without work stays.
const STAYS: Duration = Duration::from_secs(10);

/// By how much others go before, of 19.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// As many threads as there is work at a time.
#[derive(Clone, Default)]
pub struct Threads(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    woken: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    n_waiting: usize,
}

impl Threads {
    /// Does something on a thread of its own. Whoever calls sees to it that there is not too much at a time.
    ///
    /// # Errors
    /// When there can be no more threads; then it is not done, unless another thread has taken it up.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut queue = self.0.lock();
        queue.jobs.push_back(Box::new(job));
        if queue.n_waiting >= queue.jobs.len() {
            drop(queue);
            self.0.woken.notify_one();
            return Ok(());
        }
        let shared = self.0.clone();
        let began = std::thread::Builder::new().name("outgoing".to_owned()).spawn(move || shared.work());
        if let Err(error) = began {
            drop(queue.jobs.pop_back());
            return Err(error);
        }
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        yield_to_requests();
        while let Some(job) = self.next() {
            // The panic is logged; what the job holds is dropped with it.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        if queue.jobs.is_empty() {
            queue.n_waiting += 1;
            let waited = self.woken.wait_timeout_while(queue, STAYS, |queue| queue.jobs.is_empty());
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            queue.n_waiting -= 1;
        }
        queue.jobs.pop_front()
    }
}

/// Lets this thread run when no other wants to: what is sent can wait a moment, who asks should not.
///
/// Only Linux counts niceness by thread.
fn yield_to_requests() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "A thread that sends has the same priority as those that answer");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn each_job_has_a_thread_and_threads_are_used_again() {
        let threads = Threads::default();
        let mut seen = std::collections::HashSet::new();
        for n in [8, 8, 3] {
            let (began, all_began) = sync_channel(n);
            let gate = Arc::new(std::sync::Barrier::new(n + 1));
            for _ in 0..n {
                let (began, gate) = (began.clone(), gate.clone());
                let job = move || {
                    began.send(std::thread::current().id()).unwrap();
                    gate.wait();
                };
                threads.run(job).unwrap();
            }
            // All of them are there at the same time.
            seen.extend(all_began.iter().take(n));
            gate.wait();
            while threads.0.lock().n_waiting < 8 {
                std::thread::yield_now();
            }
        }
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn a_job_that_panics_takes_no_other_with_it() {
        let (threads, (sender, receiver)) = (Threads::default(), sync_channel(1));
        threads.run(|| panic!("a job that is made to fail")).unwrap();
        threads.run(move || sender.send(7).unwrap()).unwrap();
        assert_eq!(receiver.recv().unwrap(), 7);
    }
}
