//! One worker, as its reports show it.

use std::collections::VecDeque;

use super::custom::{Metrics, Settled};
use super::incarnation::Incarnation;
use super::union::Sums;
use crate::report::Head;

/// Incarnations of a worker that are kept. Only the last one changes, but for late reports.
const MOST_INCARNATIONS: usize = 4;

/// Processes of a worker that are kept.
const MOST_PROCESSES: usize = 4;

/// Incarnations and processes that are remembered without what they said.
const MOST_REMEMBERED: usize = 64;

/// One worker.
#[derive(Debug, Default)]
pub(super) struct Worker {
    /// By id.
    pub(super) incarnations: Vec<Incarnation>,
    /// By number.
    processes: Vec<Process>,
    /// Incarnations that are no longer kept: what they report in full is known, but not counted.
    old: VecDeque<((u64, u64), u64)>,
    /// Processes that are no longer kept.
    ended: VecDeque<u64>,
    /// What the counters and histograms of these came to.
    settled: Settled,
    /// Whether its last report was Locust's own alone.
    pub(super) is_foreign: bool,
}

/// What a process tells of itself beside its statistics.
#[derive(Debug)]
pub(super) struct Process {
    boot: u64,
    /// Its last report.
    pub(super) sequence: u64,
    touched: u64,
    /// Whether it is known to be gone.
    is_gone: bool,
    /// What it said last of itself, and of which test.
    told: crate::Process,
    test: u64,
    clock_offset: Option<f64>,
    pub(super) custom: Metrics,
}

impl Worker {
    pub(super) fn find(&self, id: (u64, u64)) -> Option<&Incarnation> {
        self.incarnations.iter().find(|known| known.id == id)
    }

    /// Whether it has sent no report of ours yet.
    pub(super) fn is_new(&self) -> bool {
        self.processes.is_empty() && self.ended.is_empty()
    }

    /// The last report of an incarnation that is no longer kept.
    pub(super) fn remembered(&self, id: (u64, u64)) -> Option<u64> {
        self.old.iter().find(|(old, _)| *old == id).map(|(_, sequence)| *sequence)
    }

    pub(super) fn process(&self, boot: u64) -> Option<&Process> {
        self.processes.iter().find(|known| known.boot == boot)
    }

    /// The process of a report, made if need be; `None` if it has ended long ago.
    pub(super) fn process_mut(&mut self, boot: u64, touched: u64) -> Option<&mut Process> {
        if self.ended.contains(&boot) {
            return None;
        }
        let at = match self.processes.binary_search_by_key(&boot, |known| known.boot) {
            Ok(at) => at,
            Err(at) => {
                self.processes.insert(at, Process::new(boot, touched));
                if self.processes.len() > MOST_PROCESSES {
                    self.settle_process(boot);
                }
                self.processes.binary_search_by_key(&boot, |known| known.boot).unwrap_or(at)
            }
        };
        let process = self.processes.get_mut(at)?;
        process.touched = touched;
        Some(process)
    }

    /// Ends the process that was silent for longest, but not the new one.
    fn settle_process(&mut self, new: u64) {
        let others = self.processes.iter().enumerate().filter(|(_, known)| known.boot != new);
        let Some((at, _)) = others.min_by_key(|(_, known)| known.touched) else { return };
        let process = self.processes.remove(at);
        remember(&mut self.ended, process.boot);
        self.settled.add(process.custom);
    }

    /// Adds its custom metrics.
    pub(super) fn add_custom(&self, sums: &mut Sums<'_>) {
        sums.add_settled(&self.settled);
        let living = self.living().map(|process| process.boot);
        for process in &self.processes {
            sums.add(&process.custom, living == Some(process.boot));
        }
    }

    /// Bytes that all this takes, about.
    pub(super) fn bytes(&self) -> usize {
        let incarnations = self.incarnations.iter().map(|known| known.bytes);
        let processes = self.processes.iter().map(|process| process.custom.bytes);
        self.settled.bytes + incarnations.chain(processes).sum::<usize>()
    }

    /// Its process that lives: of several, the one that started last.
    pub(super) fn living(&self) -> Option<&Process> {
        self.processes.iter().rfind(|process| !process.is_gone)
    }

    /// All its processes are gone.
    pub(super) fn gone(&mut self) {
        self.is_foreign = false;
        for process in &mut self.processes {
            process.is_gone = true;
        }
    }

    /// The incarnation of a report, made if need be.
    pub(super) fn incarnation_mut(&mut self, id: (u64, u64)) -> Option<&mut Incarnation> {
        if self.find(id).is_none() {
            self.old.retain(|(old, _)| *old != id);
            if self.incarnations.len() >= MOST_INCARNATIONS {
                let oldest = self.incarnations.iter().map(|known| known.touched).min();
                self.drop_if(|known| Some(known.touched) == oldest);
            }
            self.incarnations.push(Incarnation::new(id));
            self.incarnations.sort_unstable_by_key(|known| known.id);
        }
        self.incarnations.iter_mut().find(|known| known.id == id)
    }

    /// Gives up incarnations; they are remembered by name.
    fn drop_if(&mut self, is_to_go: impl Fn(&Incarnation) -> bool) {
        let old = &mut self.old;
        self.incarnations.retain(|known| {
            let goes = is_to_go(known);
            if goes {
                remember(old, (known.id, known.sequence));
            }
            !goes
        });
    }

    /// Gives up all incarnations but the last one that was reported, and that one too if the
    /// worker is gone and `also_last` is set.
    pub(super) fn drop_superseded(&mut self, also_last: bool) {
        let last = self.incarnations.iter().map(|known| known.touched).max();
        let drops_last = also_last && self.living().is_none();
        self.drop_if(|known| drops_last || Some(known.touched) != last);
    }
}

impl Process {
    fn new(boot: u64, touched: u64) -> Self {
        let custom = Metrics::default();
        let told = crate::Process::default();
        Self {
            boot,
            sequence: 0,
            touched,
            is_gone: false,
            told,
            test: 0,
            clock_offset: None,
            custom,
        }
    }

    /// It has said something new. Answers what is more than it said before of the same test.
    pub(super) fn lives(&mut self, sequence: u64, head: &Head, now: f64) -> crate::Process {
        self.sequence = sequence;
        self.clock_offset = Some(head.now - now).filter(|offset| offset.is_finite());
        self.is_gone = false;
        let told = std::mem::replace(&mut self.told, head.process.clone());
        let before = if self.test == head.test { told } else { crate::Process::default() };
        self.test = head.test;
        crate::Process {
            waiting: 0,
            spawned: self.told.spawned.saturating_sub(before.spawned),
            cpu_warnings: self.told.cpu_warnings.saturating_sub(before.cpu_warnings),
        }
    }

    /// Users that wait in it.
    pub(super) fn waiting(&self) -> u64 {
        self.told.waiting
    }

    /// How far its clock is ahead of the master's, in seconds.
    pub(super) fn clock_offset(&self) -> Option<f64> {
        self.clock_offset
    }
}

fn remember<T>(remembered: &mut VecDeque<T>, new: T) {
    if remembered.len() == MOST_REMEMBERED {
        remembered.pop_front();
    }
    remembered.push_back(new);
}
