//! Finished answers in memory: bounded by bytes, dropped by surrogate key, each made once however many wait for it.
//!
//! What is kept is never older than what this server has learned: an answer that was being made while one of its keys
//! was dropped is given to those who asked before, and is not kept.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::finished::Finished;
use crate::{
    error::{Error, Result},
    http::address::Address,
    traces,
};

/// How many dropped keys are remembered for answers that are being made.
const REMEMBERED_DROPS: usize = 8192;

/// Below this, dividing the memory would leave parts that are too small for a large answer.
const SMALLEST_SHARE: u64 = 8 * 1024 * 1024;

type Entries = quick_cache::sync::Cache<Address, Arc<Finished>, ByWeight, quick_cache::DefaultHashBuilder, Evictions>;

/// Finished answers by address.
pub(super) struct Cache {
    entries: Entries,
    books: Mutex<Books>,
}

/// What must change together with the entries.
#[derive(Default)]
struct Books {
    /// The addresses of what is kept under each key.
    carriers: HashMap<Box<str>, HashSet<Address>>,
    /// The keys that were dropped of late, each with its number.
    drops: VecDeque<(u64, Box<str>)>,
    /// The number of the last key that was dropped.
    last_drop: u64,
    /// The number of the last drop that is not remembered any more.
    forgotten: u64,
    /// What is being made.
    flights: HashMap<Address, Flight>,
}

/// An answer that is being made.
struct Flight {
    /// The number of the last drop before it began.
    since: u64,
    outcome: watch::Receiver<Outcome>,
}

/// How making an answer ended; none as long as it goes on.
type Outcome = Option<Result<Arc<Finished>>>;

#[derive(Clone)]
struct ByWeight;

impl quick_cache::Weighter<Address, Arc<Finished>> for ByWeight {
    fn weight(&self, address: &Address, finished: &Arc<Finished>) -> u64 {
        u64::try_from(address.as_str().len() * 3 + finished.weight()).unwrap_or(u64::MAX)
    }
}

/// Collects what had to make room, so that the books can be put right.
#[derive(Clone)]
struct Evictions;

impl quick_cache::Lifecycle<Address, Arc<Finished>> for Evictions {
    type RequestState = Vec<(Address, Arc<Finished>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, address: Address, finished: Arc<Finished>) {
        evicted.push((address, finished));
    }
}

impl Cache {
    pub(super) fn new(bytes: u64) -> Self {
        let shards = usize::try_from((bytes / SMALLEST_SHARE).clamp(1, 16)).unwrap_or(1);
        let options = quick_cache::OptionsBuilder::new()
            // About the size of an article; only how tables are laid out depends on it.
            .estimated_items_capacity(usize::try_from(bytes / 16_384).unwrap_or(1).clamp(64, 65_536))
            .weight_capacity(bytes)
            .shards(shards)
            .build();
        let entries = match options {
            Ok(options) => {
                Entries::with_options(options, ByWeight, quick_cache::DefaultHashBuilder::default(), Evictions)
            }
            Err(_) => Entries::with(64, bytes, ByWeight, quick_cache::DefaultHashBuilder::default(), Evictions),
        };
        Self { entries, books: Mutex::default() }
    }

    /// Returns what is kept, unless its time is over.
    pub(super) fn get(&self, address: &str) -> Option<Arc<Finished>> {
        self.entries.get(address).filter(|finished| finished.is_good())
    }

    /// Returns whether an answer is being made that whoever comes now would get, too.
    pub(super) fn is_being_made(&self, address: &str) -> bool {
        let books = self.books();
        books.flights.get(address).is_some_and(|flight| flight.since == books.last_drop)
    }

    /// Returns how many answers are kept, and about how many bytes they take.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.entries.len(), self.entries.weight())
    }

    /// Returns what is kept, or waits for it to be made: by others who began since the last drop, or by `make`, whose
    /// work goes on when whoever asked goes away.
    pub(super) async fn get_or_make<F>(self: &Arc<Self>, address: Address, make: F) -> Result<Arc<Finished>>
    where
        F: Future<Output = Result<Finished>> + Send + 'static,
    {
        let mut outcome = self.board(address, make);
        let landed = outcome.wait_for(Option::is_some).await;
        let landed = landed.map_err(|_| Error::internal("making an answer broke off"))?.clone();
        landed.unwrap_or_else(|| Err(Error::internal("an answer without an outcome")))
    }

    fn board<F>(self: &Arc<Self>, address: Address, make: F) -> watch::Receiver<Outcome>
    where
        F: Future<Output = Result<Finished>> + Send + 'static,
    {
        let mut books = self.books();
        let since = books.last_drop;
        if let Some(flight) = books.flights.get(&address).filter(|flight| flight.since == since) {
            return flight.outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        books.flights.insert(address.clone(), Flight { since, outcome: outcome.clone() });
        drop(books);
        let cache = self.clone();
        // What it takes shows in the trace of whoever asked first.
        tokio::spawn(traces::carried(async move {
            // Also when making it panics, nobody else may wait for it.
            let landing = Landing { cache: &cache, address: &address, sender: &sender };
            let made = make.await.map(Arc::new);
            if let Ok(finished) = made.as_ref() {
                cache.keep(&address, finished, since);
            }
            sender.send_replace(Some(made));
            drop(landing);
        }));
        outcome
    }

    /// Puts another form of an answer in its place, if it is still there.
    pub(super) fn replace(&self, address: &Address, before: &Arc<Finished>, after: Arc<Finished>) {
        let mut books = self.books();
        if self.entries.peek(address).is_some_and(|kept| Arc::ptr_eq(&kept, before)) {
            books.insert(&self.entries, address, after);
        }
    }

    fn keep(&self, address: &Address, finished: &Arc<Finished>, since: u64) {
        let mut books = self.books();
        let is_of_use = since >= books.forgotten
            && !books
                .drops
                .iter()
                .rev()
                .take_while(|(number, _)| *number > since)
                .any(|(_, key)| finished.keys.iter().any(|own| **own == **key));
        if is_of_use {
            books.insert(&self.entries, address, finished.clone());
        }
    }

    /// Drops all that is kept under any of the keys.
    pub(super) fn drop_keys(&self, keys: &[String]) {
        let mut books = self.books();
        for key in keys {
            books.last_drop += 1;
            let number = books.last_drop;
            books.drops.push_back((number, key.as_str().into()));
            for address in books.carriers.remove(key.as_str()).unwrap_or_default() {
                if let Some((address, finished)) = self.entries.remove(&address) {
                    books.strike_out(&address, &finished);
                }
            }
        }
        while books.drops.len() > REMEMBERED_DROPS {
            books.forgotten = books.drops.pop_front().map_or(books.last_drop, |(number, _)| number);
        }
    }

    /// Drops everything.
    pub(super) fn clear(&self) {
        let mut books = self.books();
        books.last_drop += 1;
        books.forgotten = books.last_drop;
        books.drops.clear();
        books.carriers.clear();
        self.entries.clear();
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn insert(&mut self, entries: &Entries, address: &Address, finished: Arc<Finished>) {
        for key in &finished.keys {
            match self.carriers.get_mut(key.as_str()) {
                Some(carriers) => {
                    carriers.insert(address.clone());
                }
                None => {
                    self.carriers.insert(key.as_str().into(), HashSet::from([address.clone()]));
                }
            }
        }
        let mut evicted = Vec::new();
        entries.insert_with_lifecycle(address.clone(), finished, &mut evicted);
        for (evicted, finished) in evicted {
            // What was replaced at its own address is no eviction.
            if evicted != *address || entries.peek(address).is_none() {
                self.strike_out(&evicted, &finished);
            }
        }
    }

    fn strike_out(&mut self, address: &Address, finished: &Finished) {
        for key in &finished.keys {
            if let Some(carriers) = self.carriers.get_mut(key.as_str()) {
                carriers.remove(address);
                if carriers.is_empty() {
                    self.carriers.remove(key.as_str());
                }
            }
        }
    }
}

/// Takes a flight off the books when it is over, however it ends.
struct Landing<'a> {
    cache: &'a Cache,
    address: &'a Address,
    sender: &'a watch::Sender<Outcome>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut books = self.cache.books();
        // A later flight to the same address goes on.
        let is_own = |flight: &Flight| flight.outcome.same_channel(&self.sender.subscribe());
        if books.flights.get(self.address).is_some_and(is_own) {
            books.flights.remove(self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Instant, delivery::Live};

    fn finished(text: &str, keys: &[&str]) -> Finished {
        let keys = keys.iter().map(|key| (*key).to_owned());
        Live::new(&text, Instant::from_millis(0).unwrap()).unwrap().keyed(keys).finish()
    }

    fn address(path: &str) -> Address {
        Address::of(path, "")
    }

    async fn make(cache: &Arc<Cache>, path: &str, keys: &'static [&'static str]) {
        let text = path.to_owned();
        cache.get_or_make(address(path), async move { Ok(finished(&text, keys)) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_key_drops_exactly_what_carries_it() {
        let cache = Arc::new(Cache::new(1 << 20));
        make(&cache, "/a", &["x", "y"]).await;
        make(&cache, "/b", &["y"]).await;
        make(&cache, "/c", &["z"]).await;

        cache.drop_keys(&["x".to_owned(), "unknown".to_owned()]);
        assert!(cache.get("/a").is_none() && cache.get("/b").is_some() && cache.get("/c").is_some());
        cache.drop_keys(&["y".to_owned(), "z".to_owned()]);
        assert_eq!(cache.size(), (0, 0));
        assert!(cache.books().carriers.is_empty());
    }

    #[tokio::test]
    async fn what_was_begun_before_a_drop_is_not_kept_and_not_joined() {
        let cache = Arc::new(Cache::new(1 << 20));
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        let old = cache.board(address("/a"), async move {
            gate.await.unwrap();
            Ok(finished("old", &["x"]))
        });
        cache.drop_keys(&["x".to_owned()]);
        let new = cache.get_or_make(address("/a"), async { Ok(finished("new", &["x"])) }).await.unwrap();
        go.send(()).unwrap();
        let mut old = old;
        let old = old.wait_for(Option::is_some).await.unwrap().clone().unwrap().unwrap();

        assert_eq!(new.bytes(super::super::coding::Coding::Identity).unwrap(), "\"new\"");
        assert_eq!(old.bytes(super::super::coding::Coding::Identity).unwrap(), "\"old\"");
        assert!(Arc::ptr_eq(&cache.get("/a").unwrap(), &new));
    }

    #[tokio::test]
    async fn what_was_begun_before_a_drop_of_another_key_is_kept() {
        let cache = Arc::new(Cache::new(1 << 20));
        let inner = cache.clone();
        let made = cache.get_or_make(address("/a"), async move {
            inner.drop_keys(&["y".to_owned()]);
            Ok(finished("a", &["x"]))
        });
        made.await.unwrap();
        assert!(cache.get("/a").is_some());
    }

    #[tokio::test]
    async fn those_who_wait_share_one_answer_and_one_failure() {
        let cache = Arc::new(Cache::new(1 << 20));
        let times = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let ask = || {
            let (cache, times) = (cache.clone(), times.clone());
            async move {
                let make = async move {
                    times.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Err(Error::not_found())
                };
                cache.get_or_make(address("/a"), make).await.map(drop)
            }
        };
        let (first, second) = tokio::join!(ask(), ask());
        assert!(first.is_err() && second.is_err());
        assert_eq!(times.load(std::sync::atomic::Ordering::SeqCst), 1);
        assert!(cache.books().flights.is_empty());
    }

    #[tokio::test]
    async fn it_stays_within_its_bytes_and_so_do_its_books() {
        let cache = Arc::new(Cache::new(100_000));
        for index in 0..1000 {
            let text = "x".repeat(500);
            let make = async move { Ok(finished(&text, &["a"])) };
            cache.get_or_make(address(&format!("/{index}")), make).await.unwrap();
        }
        let (count, bytes) = cache.size();
        assert!(bytes <= 100_000 && count > 20, "{count} answers of {bytes} bytes");
        assert_eq!(cache.books().carriers["a"].len(), count);
    }

    #[tokio::test]
    async fn an_answer_that_panics_leaves_nobody_waiting() {
        let cache = Arc::new(Cache::new(1 << 20));
        let ask = cache.get_or_make(address("/a"), async { panic!("as it should") });
        assert!(ask.await.is_err());
        assert!(cache.books().flights.is_empty());
    }
}
