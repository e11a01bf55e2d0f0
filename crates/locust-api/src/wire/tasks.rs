//! `/tasks`.

use locust_model::{ClassUsers, TaskRatio, Text};
use serde::de::MapAccess;

use super::Malformed;
use super::json::{self, As, Shape, key};
use super::kept::{TASKS_ROOM, Weigh, cut};
use super::value::{number, skip};
use crate::Rejected;

/// Task sets nested deeper than this are left out.
const MAX_DEPTH: usize = 32;

/// What `/tasks` says.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Tasks {
    /// Each user class, and its share of the users, 0 to 1.
    pub classes: Vec<(Text, f64)>,
    /// Each task of each class; nested ones as `Outer/inner`.
    pub tasks: Vec<TaskRatio>,
    /// What was left out.
    pub rejected: Rejected,
}

impl Tasks {
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, Malformed> {
        json::read(body, || Page)?.ok_or(Malformed::Shape("it is JSON without tasks by class"))
    }

    /// Users by class: whole numbers that add up to `users` where the shares add up to 1. Empty
    /// where there are users but no shares yet, as on a master that has not heard of its workers.
    pub fn users_by_class(&self, users: u64) -> Vec<ClassUsers> {
        let sum: f64 = self.classes.iter().map(|(_, ratio)| ratio).sum();
        if sum <= 0.0 && users > 0 {
            return Vec::new();
        }
        let exact: Vec<f64> = self.classes.iter().map(|(_, ratio)| ratio * users as f64).collect();
        let counts = if (sum - 1.0).abs() < 1e-6 {
            largest_remainders(&exact, users)
        } else {
            exact.iter().map(|exact| to_whole(exact.round())).collect()
        };
        let classes = self.classes.iter().zip(counts);
        classes.map(|((class, _), users)| ClassUsers { class: class.clone(), users }).collect()
    }
}

/// Rounds such that the sum is `total`: what rounding down leaves over goes to the greatest
/// remainders.
fn largest_remainders(exact: &[f64], total: u64) -> Vec<u64> {
    let mut counts: Vec<u64> = exact.iter().map(|exact| to_whole(exact.floor())).collect();
    let given = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let left = usize::try_from(total.saturating_sub(given)).unwrap_or(usize::MAX);
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    for at in order.into_iter().take(left) {
        counts[at] = counts[at].saturating_add(1);
    }
    counts
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares are not negative, and a count beyond 2^64 may saturate"
)]
fn to_whole(number: f64) -> u64 {
    number as u64
}

struct Page;

impl<'de> Shape<'de> for Page {
    type Value = Option<Tasks>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tasks = None;
        while let Some(key) = key(&mut map)? {
            if key == "per_class" {
                tasks = map.next_value_seed(As(Classes))?;
            } else {
                skip(&mut map)?;
            }
        }
        Ok(tasks)
    }
}

/// Tasks being read.
struct Reading {
    classes: Vec<(Text, f64)>,
    tasks: Vec<TaskRatio>,
    rejected: Rejected,
    room: usize,
}

impl Default for Reading {
    fn default() -> Self {
        let rejected = Rejected::default();
        Self { classes: Vec::new(), tasks: Vec::new(), rejected, room: TASKS_ROOM }
    }
}

impl Reading {
    /// Whether there is room for so many bytes more; if not, that is counted.
    fn takes(&mut self, weight: usize) -> bool {
        let room = self.room.checked_sub(weight);
        match room {
            Some(room) => self.room = room,
            None => self.rejected.add(Rejected::TOO_MANY),
        }
        room.is_some()
    }
}

struct Classes;

impl<'de> Shape<'de> for Classes {
    type Value = Option<Tasks>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tasks = Reading::default();
        while let Some(name) = key(&mut map)? {
            let class = Text::from(cut(&name));
            let node = Node { class: &class, path: "", depth: 0, tasks: &mut tasks };
            if let Some(ratio) = map.next_value_seed(As(node))? {
                let weight =
                    TaskRatio { class: class.clone(), task: class.clone(), ratio }.weight();
                if tasks.takes(weight + class.len()) {
                    tasks.classes.push((class, ratio));
                }
            }
        }
        let Reading { classes, tasks, rejected, .. } = tasks;
        Ok(Some(Tasks { classes, tasks, rejected }))
    }
}

/// A class or a task: its ratio, and what is nested in it. Its value is the ratio.
struct Node<'t> {
    class: &'t Text,
    /// Empty for the class itself.
    path: &'t str,
    depth: usize,
    tasks: &'t mut Reading,
}

impl<'de> Shape<'de> for Node<'_> {
    type Value = Option<f64>;

    fn otherwise(self) -> Self::Value {
        self.tasks.rejected.add(Rejected::NOT_AN_OBJECT);
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { class, path, depth, tasks } = self;
        let mut ratio = None;
        while let Some(key) = key(&mut map)? {
            match &*key {
                "ratio" => ratio = number(&mut map, &mut tasks.rejected)?,
                "tasks" => map.next_value_seed(As(Nested { class, path, depth, tasks }))?,
                _ => skip(&mut map)?,
            }
        }
        if ratio.is_some_and(|ratio| ratio < 0.0) {
            tasks.rejected.add(Rejected::NEGATIVE);
            ratio = None;
        }
        Ok(ratio)
    }
}

struct Nested<'t> {
    class: &'t Text,
    path: &'t str,
    depth: usize,
    tasks: &'t mut Reading,
}

impl<'de> Shape<'de> for Nested<'_> {
    type Value = ();

    fn otherwise(self) {
        self.tasks.rejected.add(Rejected::NOT_AN_OBJECT);
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { class, path, depth, tasks } = self;
        while let Some(name) = key(&mut map)? {
            if depth == MAX_DEPTH {
                skip(&mut map)?;
                tasks.rejected.add(Rejected::TOO_DEEP);
                continue;
            }
            let name = cut(&name);
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            // A task stands before those that are nested in it.
            let at = tasks.tasks.len();
            let node = Node { class, path: &path, depth: depth + 1, tasks: &mut *tasks };
            if let Some(ratio) = map.next_value_seed(As(node))? {
                let task = TaskRatio { class: class.clone(), task: path.into(), ratio };
                if tasks.takes(task.weight()) {
                    tasks.tasks.insert(at, task);
                }
            }
        }
        Ok(())
    }
}
