//! CPU of some threads of this process, by the beginnings of their names. Linux only.

use std::fs;

/// Seconds so far, all together. Threads that ended count no more.
///
/// # Errors
/// There is no `/proc`.
pub(super) fn seconds(names: &[&str]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let folder = task?.path();
        // One that ended in between has nothing more to say.
        let Ok(name) = fs::read_to_string(folder.join("comm")) else { continue };
        let Ok(spent) = fs::read_to_string(folder.join("schedstat")) else { continue };
        if names.iter().any(|n| name.starts_with(n)) {
            let nanoseconds = spent.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
            sum += nanoseconds.unwrap_or(0.0) / 1e9;
        }
    }
    Ok(sum)
}
