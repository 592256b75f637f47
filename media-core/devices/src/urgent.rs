//! Asks the system to run the calling thread before everything ordinary: sound that comes late is sound that is lost.
//! For threads of sound only, which do little and sleep a lot. What the system refuses is said once per thread and no more:
//! sound then works as well as the machine is calm.
//!
//! The work is done by `audio_thread_priority` (Mozilla's, from Firefox): MMCSS on Windows, a time constraint on macOS,
//! `SCHED_FIFO` on Linux where the user may. Where not, Linux has rtkit, and only its "high priority" is asked for: its
//! real-time priority comes with a limit beyond which the kernel kills the whole program, and a meeting that hangs for a
//! fifth of a second is better than one that is gone.

#[cfg(target_os = "linux")]
mod rtkit;
#[cfg(not(target_os = "linux"))]
#[path = "urgent/fallback.rs"]
mod rtkit;

/// Samples per second of the engine.
const RATE: u32 = 48_000;
/// Samples in a block of it.
const BLOCK: u32 = RATE / 100;

/// From now on this thread is urgent, until it ends.
pub(crate) fn hasten() {
    match audio_thread_priority::promote_current_thread_to_real_time(BLOCK, RATE) {
        // It need not be taken back: the system forgets it with the thread.
        Ok(_handle) => tracing::debug!("a thread of sound runs at real-time priority"),
        Err(refused) => match rtkit::hasten() {
            Ok(()) => tracing::debug!(%refused, "somebody else is asked for priority of sound"),
            Err(error) => tracing::info!(%refused, %error, "the system gives sound no priority"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hastened_thread_goes_on_and_no_other_is_touched() {
        let before = std::thread::spawn(policy).join().unwrap();
        let mine = std::thread::spawn(|| {
            hasten();
            policy()
        });
        let mine = mine.join().unwrap();
        assert!(mine == before || mine != std::thread::spawn(policy).join().unwrap(), "others keep theirs: {mine}");
        assert_eq!(std::thread::spawn(policy).join().unwrap(), before);
    }

    /// What the kernel says of this thread: policy and priority.
    #[cfg(target_os = "linux")]
    fn policy() -> String {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // proc(5): priority and nice are fields 18 and 19, rt_priority and policy 40 and 41; the first here is field 3.
        [15, 16, 37, 38].map(|n| fields[n]).join(" ")
    }

    #[cfg(not(target_os = "linux"))]
    fn policy() -> String {
        String::new()
    }
}
