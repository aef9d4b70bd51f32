//! What has to hold at every event of one supervisor.

use sidecar_supervisor::{Event, LineKind, Snapshot, State};

use super::system;

/// What the observer remembers of one supervisor.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// A READY line is to be seen.
    pub(super) by_line: bool,
    pub(super) state: Option<State>,
    pub(super) launch: u64,
    pub(super) ready_lines: u32,
    pub(super) ready_states: u32,
    pub(super) ready_is_due: bool,
    pub(super) launches: u64,
    pub(super) ready: u64,
    pub(super) killed: u64,
    pub(super) stragglers: usize,
    pub(super) violations: Vec<String>,
}

impl Watch {
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Line(line) if line.kind == LineKind::Ready => {
                self.ready_lines += 1;
                self.ready_is_due |=
                    matches!(self.state, Some(State::WaitingReady)) && self.ready_lines == 1;
            }
            Event::Line(_) => {}
            Event::Changed(snapshot) => self.changed(snapshot),
        }
    }

    fn changed(&mut self, now: &Snapshot) {
        if now.launch != self.launch {
            self.launch = now.launch;
            self.launches += 1;
            (self.ready_lines, self.ready_states) = (0, 0);
        }
        let entered = self.state.as_ref().map(State::name) != Some(now.state.name());
        if entered {
            self.entered(now);
        }
        if !now.state.is_at_rest()
            && let Some(pid) = now.pid
            && !system::exists(pid)
        {
            self.violation(format!(
                "the state is {}, but {pid} is gone",
                now.state.name()
            ));
        }
        self.state = Some(now.state.clone());
    }

    fn entered(&mut self, now: &Snapshot) {
        let before = self.state.as_ref().map_or("idle", State::name);
        let after = now.state.name();
        let lawful = match after {
            "spawning" => matches!(before, "idle" | "exited" | "failed"),
            "waiting_ready" => before == "spawning",
            "ready" => before == "waiting_ready",
            "stopping" => matches!(before, "waiting_ready" | "ready"),
            "exited" => before == "stopping",
            "failed" => matches!(before, "spawning" | "waiting_ready" | "ready" | "stopping"),
            _ => false,
        };
        if !lawful {
            self.violation(format!("{after} came after {before}"));
        }
        if after == "ready" {
            self.ready_states += 1;
            self.ready += 1;
            if self.by_line && self.ready_lines != 1 {
                self.violation(format!("ready after {} READY lines", self.ready_lines));
            }
            if self.ready_states != 1 {
                self.violation("ready twice in one launch".to_owned());
            }
        } else if self.ready_is_due {
            self.violation(format!("READY was missed: the state became {after}"));
        }
        self.ready_is_due = false;
        if now.state.is_at_rest() {
            self.at_rest(now);
        }
    }

    fn at_rest(&mut self, now: &Snapshot) {
        match &now.cleanup {
            None => self.violation("at rest without a cleanup".to_owned()),
            Some(cleanup) => {
                self.killed += u64::from(cleanup.killed);
                self.stragglers += cleanup.stragglers.len();
                for survivor in &cleanup.survivors {
                    self.violation(format!("survivor {} {}", survivor.pid, survivor.cmdline));
                }
                if let Some(error) = &cleanup.temp_error {
                    self.violation(format!("its folder is left: {error}"));
                }
            }
        }
    }

    fn violation(&mut self, text: String) {
        let launch = self.launch;
        self.violations.push(format!("launch {launch}: {text}"));
    }
}
