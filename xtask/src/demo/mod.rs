//! `cargo xtask demo`: both faces of the exporter, beside and inside a real Locust under load.

mod check;
mod scene;
mod watch;

use anyhow::Result;

use crate::step::step;
use crate::usage;
use scene::Scene;

/// `cargo xtask demo`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let check = usage::only_flag(arguments, "--check")?;
    let mut scene = Scene::set()?;
    let shown = scene.wait_for_load().and_then(|()| {
        if check { check::check(&scene) } else { watch::until_interrupted(&mut scene) }
    });
    if shown.is_err() {
        eprint!("{}", scene.log_tails());
    }
    step("ending everything", || scene.strike())?;
    shown
}
