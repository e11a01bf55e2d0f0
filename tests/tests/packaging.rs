//! `pip install .` at the root of the checkout, into an environment that has but Locust.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use e2e::{locust, place, tool, vars};

/// Runs a command to its end; gives what it wrote to stdout.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{complaint}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn pip_install_brings_the_modules_and_the_command_line() -> Result<()> {
    let Some(python) = tool::find(vars::PYTHON)? else { return Ok(()) };
    let logs = place::logs("packaging")?;
    let venv = logs.join("venv");
    output(Command::new(python).args(["-m", "venv"]).arg(&venv))?;
    let program = |name: &str| locust::command(&venv.join("bin").join(name), &logs);
    // As cargo test builds it, into the same folder: the test is of the packaging.
    output(
        Command::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("{}[locust]", place::root().display()))
            .env("MATURIN_PEP517_ARGS", "--profile dev")
            .env("CARGO_TARGET_DIR", place::target()?),
    )?;

    let version = env!("CARGO_PKG_VERSION");
    let said = output(program("locust_exporter").arg("--version"))?;
    ensure!(said.contains(version), "{said:?} does not name {version}");
    let plugin = output(program("locust_exporter").arg("plugin"))?;
    ensure!(Path::new(&plugin).is_file(), "there is no {plugin}");

    let import = "import locust_exporter, locust_prometheus_exporter as alias; \
                  assert alias.PrometheusExporter is locust_exporter.PrometheusExporter; \
                  print(locust_exporter.__version__)";
    let imported = output(program("python").args(["-c", import]))?;
    ensure!(imported == version, "the package says it is {imported:?}");
    let typed = venv.join("lib");
    let marks =
        output(Command::new("find").arg(typed).args(["-path", "*/locust_exporter/py.typed"]))?;
    ensure!(!marks.is_empty(), "py.typed is not installed");
    // Locust writes its own help before it reads a locustfile.
    let help = "import locust_exporter; from locust.argument_parser import get_parser; \
                locust_exporter.install(); get_parser().print_help()";
    let help = output(program("python").args(["-c", help]))?;
    ensure!(help.contains("--exporter-web-listen-address"), "{help}");
    Ok(())
}
