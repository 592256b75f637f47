//! From what covered the window to what is told about it: who captured, how, for how long. Pure.

use std::time::Instant;

use protocol::ids::ProgramName;
use protocol::shield::{CaptureMethod, ShieldIncident};
use shield::{Cause, Method};

/// Programs that are told of at the end of one cover; more are one and the same story.
const MOST: usize = 16;

/// What happens under one cover.
pub(super) struct Incidents {
    /// Is the window covered meanwhile, or does the server keep it back?
    covers: bool,
    open: Vec<Open>,
}

struct Open {
    program: Option<String>,
    pid: Option<u32>,
    /// The gravest it did.
    method: Method,
    since: Instant,
}

impl Incidents {
    pub(super) const fn new(covers: bool) -> Self {
        Self { covers, open: Vec::new() }
    }

    /// The cover is there for this cause from now on. One program is one incident, whatever it does meanwhile.
    pub(super) fn covered(&mut self, cause: &Cause, at: Instant) {
        if told_as(cause.method).is_none() {
            return;
        }
        let method = cause.method;
        let full = self.open.len() >= MOST;
        let known = self.open.iter_mut().find(|open| open.pid == cause.pid && open.program == cause.program);
        match known {
            // A key, and a program that was gone before anybody could ask who it is, are both nobody's.
            Some(open) => open.method = open.method.min(method),
            None if !full => {
                self.open.push(Open { program: cause.program.clone(), pid: cause.pid, method, since: at });
            }
            None => {}
        }
    }

    /// The cover goes: what there is to tell. A key that takes pictures is no story beside the program it started.
    pub(super) fn end(&mut self, now: Instant) -> Vec<ShieldIncident> {
        let open = std::mem::take(&mut self.open);
        let captured = open.iter().any(|open| open.method != Method::PrintKey);
        let covered = self.covers;
        open.into_iter()
            .filter(|open| !(captured && open.method == Method::PrintKey))
            .filter_map(|open| told_as(open.method).map(|method| (open, method)))
            .map(|(open, method)| ShieldIncident {
                program: open.program.as_deref().and_then(ProgramName::cut),
                pid: open.pid,
                method,
                seconds: u32::try_from(now.saturating_duration_since(open.since).as_secs()).unwrap_or(u32::MAX),
                covered,
            })
            .collect()
    }
}

/// A picture was taken off the clipboard.
pub(super) fn clipboard(program: Option<&str>, pid: Option<u32>) -> ShieldIncident {
    let program = program.and_then(ProgramName::cut);
    ShieldIncident { program, pid, method: CaptureMethod::Clipboard, seconds: 0, covered: false }
}

/// `None`: the cover is there, and nobody did anything.
fn told_as(method: Method) -> Option<CaptureMethod> {
    match method {
        Method::WatchLost => Some(CaptureMethod::WatchLost),
        Method::Meddling => Some(CaptureMethod::Meddling),
        Method::GetImage => Some(CaptureMethod::GetImage),
        Method::ShmGetImage => Some(CaptureMethod::ShmGetImage),
        Method::Copy => Some(CaptureMethod::Copy),
        Method::Composite => Some(CaptureMethod::Composite),
        Method::Render => Some(CaptureMethod::Render),
        Method::Dri => Some(CaptureMethod::Dri),
        Method::DoubleBuffer => Some(CaptureMethod::DoubleBuffer),
        Method::Damage => Some(CaptureMethod::Damage),
        Method::Record => Some(CaptureMethod::Record),
        Method::PrintKey => Some(CaptureMethod::CaptureKey),
        Method::FocusLost | Method::NewProgram | Method::Start => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cause(method: Method, program: Option<&str>, pid: Option<u32>) -> Cause {
        Cause { method, program: program.map(str::to_owned), pid }
    }

    #[test]
    fn a_program_that_captures_is_one_incident_with_its_length() {
        let start = Instant::now();
        let mut incidents = Incidents::new(true);
        incidents.covered(&cause(Method::NewProgram, Some("scrot"), Some(5)), start);
        incidents.covered(&cause(Method::Composite, Some("scrot"), Some(5)), start);
        incidents.covered(&cause(Method::GetImage, Some("scrot"), Some(5)), start + Duration::from_secs(1));
        let told = incidents.end(start + Duration::from_millis(3900));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].program.as_ref().map(ProgramName::as_str), Some("scrot"));
        assert_eq!((told[0].pid, told[0].method, told[0].seconds), (Some(5), CaptureMethod::GetImage, 3));
        assert!(told[0].covered);
        assert!(incidents.end(start).is_empty(), "told once");
    }

    #[test]
    fn a_program_that_only_starts_is_none() {
        let now = Instant::now();
        let mut incidents = Incidents::new(true);
        incidents.covered(&cause(Method::Start, None, None), now);
        incidents.covered(&cause(Method::NewProgram, Some("xterm"), Some(5)), now);
        incidents.covered(&cause(Method::FocusLost, None, None), now);
        assert!(incidents.end(now).is_empty());
    }

    #[test]
    fn a_key_is_told_of_unless_a_program_captured_after_it() {
        let now = Instant::now();
        let mut incidents = Incidents::new(true);
        incidents.covered(&cause(Method::PrintKey, None, None), now);
        assert_eq!(incidents.end(now)[0].method, CaptureMethod::CaptureKey);
        incidents.covered(&cause(Method::PrintKey, None, None), now);
        incidents.covered(&cause(Method::GetImage, Some("spectacle"), Some(9)), now);
        let told = incidents.end(now);
        assert!(told.len() == 1 && told[0].method == CaptureMethod::GetImage, "{told:?}");
        // Whose picture it was is not known, and the key is still the reason for the cover when the program is gone.
        incidents.covered(&cause(Method::PrintKey, None, None), now);
        incidents.covered(&cause(Method::GetImage, None, None), now);
        incidents.covered(&cause(Method::PrintKey, None, None), now);
        let told = incidents.end(now);
        assert!(told.len() == 1 && told[0].method == CaptureMethod::GetImage, "{told:?}");
    }

    #[test]
    fn two_programs_are_two_incidents_and_a_thousand_are_not_kept() {
        let now = Instant::now();
        let mut incidents = Incidents::new(false);
        for pid in 0..1000 {
            incidents.covered(&cause(Method::GetImage, Some("x"), Some(pid)), now);
        }
        let told = incidents.end(now);
        assert_eq!(told.len(), MOST);
        assert!(!told[0].covered, "the server keeps it back, nothing is covered");
    }
}
