//! The channels between real-time threads and the rest, named by what they lose.
//! `Ring` carries samples, counts what did not fit and remembers when either end was last used; `Latest` holds one value,
//! and the newest wins; `Mailbox` is a bounded queue: a full one gives the value back and counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::time::MediaTime;

/// What both ends of a ring tell each other besides samples.
#[derive(Debug, Default)]
struct Marks {
    lost: AtomicU64,
    written: Mark,
    read: Mark,
}

/// A device's last call of a ring: when, and how much it brought or fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// When it began.
    pub at: MediaTime,
    /// Samples of all channels together.
    pub samples: usize,
}

/// Where one end leaves its last call for the other. Both values are read one after the other without a lock: a call that
/// comes in between gives the time of one and the samples of the next, and both mean the same device.
#[derive(Debug, Default)]
struct Mark {
    /// Microseconds, plus one: zero is never.
    at: AtomicU64,
    samples: AtomicU64,
}

impl Mark {
    fn leave(&self, call: Call) {
        self.samples.store(call.samples as u64, Ordering::Relaxed);
        self.at.store(call.at.as_micros().saturating_add(1), Ordering::Relaxed);
    }

    fn last(&self) -> Option<Call> {
        let at = self.at.load(Ordering::Relaxed).checked_sub(1).map(MediaTime::from_micros)?;
        Some(Call { at, samples: usize::try_from(self.samples.load(Ordering::Relaxed)).unwrap_or(usize::MAX) })
    }
}

/// The writing end of a ring of samples. Fit for a device callback: never waits, never allocates.
#[derive(Debug)]
pub struct RingWriter {
    samples: rtrb::Producer<f32>,
    marks: Arc<Marks>,
}

/// The reading end of a ring of samples.
#[derive(Debug)]
pub struct RingReader {
    samples: rtrb::Consumer<f32>,
    marks: Arc<Marks>,
}

/// A ring for `capacity` samples.
#[must_use]
pub fn ring(capacity: usize) -> (RingWriter, RingReader) {
    let (write, read) = rtrb::RingBuffer::new(capacity);
    let marks = Arc::new(Marks::default());
    (RingWriter { samples: write, marks: Arc::clone(&marks) }, RingReader { samples: read, marks })
}

impl RingWriter {
    /// Copies in what fits and counts the rest as lost.
    pub fn write(&mut self, samples: &[f32]) {
        let fits = self.samples.slots().min(samples.len());
        if let Ok(mut chunk) = self.samples.write_chunk(fits) {
            let (a, b) = chunk.as_mut_slices();
            let split = a.len();
            a.copy_from_slice(&samples[..split]);
            b.copy_from_slice(&samples[split..fits]);
            chunk.commit_all();
        }
        if fits < samples.len() {
            self.marks.lost.fetch_add((samples.len() - fits) as u64, Ordering::Relaxed);
        }
    }

    /// A device's callback brings so many samples now.
    pub fn called(&self, now: MediaTime, samples: usize) {
        self.marks.written.leave(Call { at: now, samples });
    }

    /// How the device that reads last called, if it says so.
    #[must_use]
    pub fn last_call(&self) -> Option<Call> {
        self.marks.read.last()
    }

    /// Samples that fit now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.samples.slots()
    }

    /// Samples written and not yet read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.samples.buffer().capacity() - self.samples.slots()
    }

    /// The reader is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.samples.is_abandoned()
    }
}

impl RingReader {
    /// Copies out up to `into.len()` samples; answers how many.
    pub fn read(&mut self, into: &mut [f32]) -> usize {
        let n = self.samples.slots().min(into.len());
        if let Ok(chunk) = self.samples.read_chunk(n) {
            let (a, b) = chunk.as_slices();
            into[..a.len()].copy_from_slice(a);
            into[a.len()..n].copy_from_slice(b);
            chunk.commit_all();
        }
        n
    }

    /// A device's callback fetches so many samples now.
    pub fn called(&self, now: MediaTime, samples: usize) {
        self.marks.read.leave(Call { at: now, samples });
    }

    /// How the device that writes last called, if it says so.
    #[must_use]
    pub fn last_call(&self) -> Option<Call> {
        self.marks.written.last()
    }

    /// Samples waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.samples.slots()
    }

    /// Samples that did not fit so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.marks.lost.load(Ordering::Relaxed)
    }

    /// The writer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.samples.is_abandoned()
    }
}

struct Slot<T> {
    state: Mutex<SlotState<T>>,
    ready: Condvar,
}

struct SlotState<T> {
    value: Option<T>,
    overwritten: u64,
    closed: bool,
    readers: usize,
    nudged: bool,
}

/// Wakes whoever waits at the reading end of a slot.
pub struct Nudge<T>(Arc<Slot<T>>);

impl<T> Nudge<T> {
    /// The reader that waits, or the next that would, gets [`Taken::Nothing`] at once.
    pub fn nudge(&self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).nudged = true;
        self.0.ready.notify_one();
    }
}

/// The writing end of a slot. Cloneable; when the last one is dropped the reader sees the end.
pub struct LatestWriter<T>(Arc<Slot<T>>, Arc<()>);

/// The reading end of a slot.
pub struct LatestReader<T>(Arc<Slot<T>>);

/// A slot for one value. Writing over an unread value drops that one.
#[must_use]
pub fn latest<T>() -> (LatestWriter<T>, LatestReader<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(SlotState { value: None, overwritten: 0, closed: false, readers: 1, nudged: false }),
        ready: Condvar::new(),
    });
    (LatestWriter(Arc::clone(&slot), Arc::new(())), LatestReader(slot))
}

impl<T> Clone for LatestWriter<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::clone(&self.1))
    }
}

impl<T> LatestWriter<T> {
    /// Is there anybody who may still read?
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).readers > 0
    }

    /// Puts the value in; `false` when nobody reads any more.
    pub fn put(&self, value: T) -> bool {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.readers == 0 {
            return false;
        }
        if state.value.replace(value).is_some() {
            state.overwritten += 1;
        }
        drop(state);
        self.0.ready.notify_one();
        true
    }
}

impl<T> Drop for LatestWriter<T> {
    fn drop(&mut self) {
        if Arc::strong_count(&self.1) == 1 {
            self.0.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            self.0.ready.notify_all();
        }
    }
}

/// What waiting for a value came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// A value.
    Value(T),
    /// Nothing in time.
    Nothing,
    /// Every writer is gone.
    Ended,
}

impl<T> LatestReader<T> {
    /// Takes the value, waiting at most so long. Only for threads that may wait.
    pub fn take(&self, wait: Duration) -> Taken<T> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .0
            .ready
            .wait_timeout_while(state, wait, |s| s.value.is_none() && !s.closed && !s.nudged)
            .unwrap_or_else(PoisonError::into_inner);
        state.nudged = false;
        match state.value.take() {
            Some(value) => Taken::Value(value),
            None if state.closed => Taken::Ended,
            None => Taken::Nothing,
        }
    }

    /// For someone who has another reason than a value to wake this reader.
    #[must_use]
    pub fn nudge(&self) -> Nudge<T> {
        Nudge(Arc::clone(&self.0))
    }

    /// Values dropped because a newer one came.
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).overwritten
    }
}

impl<T> Drop for LatestReader<T> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).readers = 0;
    }
}

struct Post<T> {
    state: Mutex<PostState<T>>,
    ready: Condvar,
    capacity: usize,
    refused: AtomicU64,
}

struct PostState<T> {
    queue: VecDeque<T>,
    senders: usize,
    reading: bool,
}

/// The writing end of a mailbox. Cloneable; when the last one is dropped the reader sees the end.
pub struct MailboxSender<T>(Arc<Post<T>>);

/// The reading end of a mailbox.
pub struct MailboxReader<T>(Arc<Post<T>>);

/// Why a mailbox did not take a value; it is given back.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused<T> {
    /// As many values as it holds are waiting.
    Full(T),
    /// Nobody reads any more.
    Closed(T),
}

/// A queue for at most `capacity` values.
#[must_use]
pub fn mailbox<T>(capacity: usize) -> (MailboxSender<T>, MailboxReader<T>) {
    let post = Arc::new(Post {
        state: Mutex::new(PostState { queue: VecDeque::with_capacity(capacity), senders: 1, reading: true }),
        ready: Condvar::new(),
        capacity,
        refused: AtomicU64::new(0),
    });
    (MailboxSender(Arc::clone(&post)), MailboxReader(post))
}

impl<T> Post<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, PostState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> MailboxSender<T> {
    /// Puts a value at the end. Never waits.
    ///
    /// # Errors
    /// Full (counted) or closed; the value comes back.
    pub fn send(&self, value: T) -> Result<(), Refused<T>> {
        let mut state = self.0.lock();
        if !state.reading {
            return Err(Refused::Closed(value));
        }
        if state.queue.len() >= self.0.capacity {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Refused::Full(value));
        }
        state.queue.push_back(value);
        drop(state);
        self.0.ready.notify_one();
        Ok(())
    }

    /// Values refused because it was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl<T> Clone for MailboxSender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for MailboxSender<T> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.ready.notify_all();
    }
}

impl<T> MailboxReader<T> {
    /// Takes the oldest value, waiting at most so long; zero never waits.
    pub fn take(&self, wait: Duration) -> Taken<T> {
        let state = self.0.lock();
        let mut state = if wait.is_zero() {
            state
        } else {
            self.0
                .ready
                .wait_timeout_while(state, wait, |s| s.queue.is_empty() && s.senders > 0)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        };
        match state.queue.pop_front() {
            Some(value) => Taken::Value(value),
            None if state.senders == 0 => Taken::Ended,
            None => Taken::Nothing,
        }
    }

    /// Values refused because it was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl<T> Drop for MailboxReader<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reading = false;
        // What nobody will read is dropped outside the lock: it may hold rings and permits of its own.
        let rest = std::mem::take(&mut state.queue);
        drop(state);
        drop(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_gives_the_value_back_and_counts() {
        let (tx, rx) = mailbox(2);
        assert_eq!(tx.send(1), Ok(()));
        assert_eq!(tx.send(2), Ok(()));
        assert_eq!(tx.send(3), Err(Refused::Full(3)));
        assert_eq!(rx.refused(), 1);
        assert_eq!(rx.take(Duration::ZERO), Taken::Value(1));
        let other = tx.clone();
        drop(tx);
        assert_eq!(rx.take(Duration::ZERO), Taken::Value(2));
        assert_eq!(rx.take(Duration::ZERO), Taken::Nothing);
        drop(other);
        assert_eq!(rx.take(Duration::ZERO), Taken::Ended);
    }

    #[test]
    fn a_mailbox_nobody_reads_says_so() {
        let (tx, rx) = mailbox(2);
        drop(rx);
        assert_eq!(tx.send(1), Err(Refused::Closed(1)));
    }

    #[test]
    fn a_full_ring_counts_what_it_loses() {
        let (mut w, mut r) = ring(4);
        w.write(&[1.0, 2.0, 3.0]);
        w.write(&[4.0, 5.0, 6.0]);
        let mut out = [0.0; 8];
        assert_eq!(r.read(&mut out), 4);
        assert_eq!(&out[..4], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(r.lost(), 2);
    }

    #[test]
    fn the_newest_picture_wins() {
        let (w, r) = latest();
        assert!(w.put(1));
        assert!(w.put(2));
        assert_eq!(r.take(Duration::ZERO), Taken::Value(2));
        assert_eq!(r.overwritten(), 1);
        assert_eq!(r.take(Duration::ZERO), Taken::Nothing);
        drop(w);
        assert_eq!(r.take(Duration::ZERO), Taken::Ended);
    }

    #[test]
    fn a_nudge_wakes_the_reader_once_and_keeps_no_value_back() {
        let (w, r) = latest();
        r.nudge().nudge();
        assert_eq!(r.take(Duration::from_secs(3600)), Taken::Nothing, "without waiting");
        r.nudge().nudge();
        assert!(w.put(1));
        assert_eq!(r.take(Duration::from_secs(3600)), Taken::Value(1));
        assert_eq!(r.take(Duration::ZERO), Taken::Nothing);
    }

    #[test]
    fn a_writer_learns_that_nobody_reads() {
        let (w, r) = latest();
        drop(r);
        assert!(!w.put(1));
    }
}
