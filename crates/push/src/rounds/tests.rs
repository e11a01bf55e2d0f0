use super::*;
use crate::scripted::{Asked, Gives, InWords, Lines, words};
use crate::stats::Stats;

const DAY: Millis = 24 * 60 * 60 * 1_000;
const START: Millis = 1_700_000_000_000;

/// Passes at these times of the clock, of a source that does this at first, and the end. Gives what
/// is queued.
async fn batches(source: &[Gives], times: &[Millis]) -> Vec<Batch> {
    let queue = Arc::new(Queue::in_memory(1 << 20, Arc::new(Stats::new("test"))));
    let sinks = vec![Sink::new(Box::new(InWords::default()), Arc::clone(&queue))];
    let second = Duration::from_secs(1);
    let mut rounds = Rounds::new(Asked::new(source), sinks, second, second);
    for time in times {
        let gathered = rounds.gather(second).await;
        rounds.pass(gathered, *time).await;
    }
    rounds.end().await;
    queue.close();
    let mut batches = Vec::new();
    while let Some(batch) = queue.head().await {
        batches.push(batch);
        queue.done().await;
    }
    batches
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_set_back_is_followed_and_every_series_begins_anew() {
    let lines = Lines::listen();
    let times = [START + DAY, START + DAY + 1_000, START, START + 1_000];
    let batches = batches(&[], &times).await;
    let wanted = ["asked 1;", "asked 2;", "asked ended;", "asked 3;", "asked 4;", "asked ended;"];
    assert_eq!(words(&batches), wanted);
    let told: Vec<_> = batches.iter().map(|batch| batch.time).collect();
    let [one, two, three, four] = times;
    assert_eq!(told, [one, two, two + 1, three, four, four + 1]);
    assert_eq!(lines.count("the clock was set back"), 1);
}

#[tokio::test]
async fn a_run_that_begins_where_the_clock_is_set_back_is_not_told_of_before() {
    let source = [Gives::OfRun("a"), Gives::OfRun("b")];
    let batches = batches(&source, &[START + DAY, START]).await;
    let wanted = ["a: asked 1;", "a: asked ended;", "b: asked 2;", "b: asked ended;"];
    assert_eq!(words(&batches), wanted);
    // A run that begins takes a step of its own.
    let told: Vec<_> = batches.iter().map(|batch| batch.time).collect();
    assert_eq!(told, [START + DAY + 2, START + DAY + 3, START + 2, START + 3]);
}
