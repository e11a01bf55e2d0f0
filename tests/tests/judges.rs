//! What others' linters and parsers say of our expositions.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use e2e::scenario::Scenario;
use e2e::{place, tool, vars};

const SCHEMAS: [&str; 3] = ["standard", "classic", "boomer"];

const STRICT_PARSER: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.buffer.read().decode()))
print(len(families))
";

/// A master with a worker after ten seconds of load, so that every family is there.
fn scenario() -> Result<Option<&'static Scenario>> {
    static SCENARIO: LazyLock<Result<Option<Scenario>>> = LazyLock::new(|| {
        let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(None) };
        let load = |plan: &mut e2e::locust::Plan| {
            plan.workers = 1;
            plan.run_time = Some(10);
        };
        let scenario = Scenario::start("judges", locust, "mixed.py", load, &[])?;
        scenario.locust.web.wait_until_still(Duration::from_secs(40))?;
        Ok(Some(scenario))
    });
    SCENARIO.as_ref().map(Option::as_ref).map_err(|error| anyhow!("{error:#}"))
}

/// Every combination of schemas, as `--metrics.schema` takes it.
fn combinations() -> impl Iterator<Item = Vec<&'static str>> {
    (1..1 << SCHEMAS.len()).map(|set| {
        let chosen = SCHEMAS.iter().enumerate().filter(move |(index, _)| set >> index & 1 == 1);
        chosen.map(|(_, schema)| *schema).collect()
    })
}

/// Gives `input` to a program; gives its exit code, and what it wrote to stdout and stderr.
fn judge(program: &mut Command, input: &[u8]) -> Result<(Option<i32>, String)> {
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().context("cannot start the judge")?;
    // Both judges read to the end before they speak.
    child.stdin.take().context("no pipe")?.write_all(input)?;
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

fn promtool_says(promtool: &Path, text: &[u8]) -> Result<BTreeSet<String>> {
    let (code, said) = judge(Command::new(promtool).args(["check", "metrics"]), text)?;
    // 3: it reads the metrics, and has something to say of them.
    ensure!(matches!(code, Some(0 | 3)), "promtool cannot read it ({code:?}): {said}");
    Ok(said.lines().map(str::to_owned).collect())
}

/// What promtool says of these schemas, as it is kept in `tests/promtool`.
fn expected(schemas: &[&str]) -> Result<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    for schema in schemas {
        let file = place::root().join(format!("tests/promtool/{schema}.txt"));
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}

#[test]
fn promtool_says_of_a_real_exposition_exactly_what_is_kept() -> Result<()> {
    let Some(promtool) = tool::find(vars::PROMTOOL)? else { return Ok(()) };
    let Some(scenario) = scenario()? else { return Ok(()) };
    for schemas in combinations() {
        let list = schemas.join(",");
        let name = format!("promtool-{}", schemas.join("-"));
        let exporter = scenario.another_exporter(&name, &[&format!("--metrics.schema={list}")])?;
        let answer = exporter.metrics("text/plain;version=0.0.4")?;
        let said = promtool_says(&promtool, answer.ok()?.as_bytes())?;
        let expected = expected(&schemas)?;
        ensure!(said == expected, "{list}: promtool says {said:#?}, expected is {expected:#?}");
    }
    Ok(())
}

#[test]
fn promtool_says_of_the_golden_files_nothing_but_what_is_kept() -> Result<()> {
    let Some(promtool) = tool::find(vars::PROMTOOL)? else { return Ok(()) };
    let folder = place::root().join("crates/schema/tests/golden");
    let mut judged = 0;
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let file = entry?.path();
        // Those in other formats are not for promtool.
        if file.extension().is_none_or(|format| format != "txt") {
            continue;
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let schemas = SCHEMAS.iter().copied().find(|schema| stem.ends_with(schema));
        let schemas = schemas.map_or(SCHEMAS.to_vec(), |schema| vec![schema]);
        let said = promtool_says(&promtool, &fs::read(&file)?)?;
        // One of the files has another prefix.
        let said: BTreeSet<_> =
            said.iter().map(|line| line.replacen("load_", "locust_", 1)).collect();
        let expected = expected(&schemas)?;
        // Metrics of a test's own are named by the test.
        let ours = said.iter().filter(|line| line.starts_with("locust_"));
        let further: Vec<_> = ours.filter(|line| !expected.contains(*line)).collect();
        ensure!(further.is_empty(), "{}: {further:#?}", file.display());
        judged += 1;
    }
    ensure!(judged > 0, "there are no golden files in {}", folder.display());
    Ok(())
}

#[test]
fn a_strict_parser_reads_every_combination_of_schemas_as_openmetrics() -> Result<()> {
    let Some(scenario) = scenario()? else { return Ok(()) };
    for schemas in combinations() {
        let list = schemas.join(",");
        let name = format!("strict-{}", schemas.join("-"));
        let exporter = scenario.another_exporter(&name, &[&format!("--metrics.schema={list}")])?;
        let answer = exporter.metrics("application/openmetrics-text;version=1.0.0")?;
        let media = answer.header("content-type").unwrap_or_default().to_owned();
        ensure!(media.starts_with("application/openmetrics-text"), "{media}");
        let mut parser = Command::new(scenario.python());
        let text = answer.ok()?.as_bytes();
        let (code, said) = judge(parser.args(["-c", STRICT_PARSER]), text)?;
        ensure!(code == Some(0), "{list}: {said}");
        let families: u32 = said.trim().parse().with_context(|| said.clone())?;
        ensure!(families > 5, "{list}: only {families} families");
    }
    Ok(())
}
