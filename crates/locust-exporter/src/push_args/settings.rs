//! From the options to what is pushed where, in one step.

use std::time::Duration;

use push::{Config, Identity, Method, NativeHistograms, Pushgateway, RemoteWrite, Spool};

use super::{MethodArg, NativeArg, PushArgs, VersionArg, backend, check, otlp};
use crate::build;
use crate::pushing::Plan;
use crate::usage::Origin;

/// Time between two pushes where none is given.
const INTERVAL: Duration = Duration::from_secs(15);
/// How long a request may take where it is not given.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What was given, and by whom.
pub(crate) struct Given<'a> {
    pub(crate) args: &'a PushArgs,
    pub(crate) origin: &'a Origin,
    /// The port of the first address that is listened on, if it is known.
    pub(crate) port: Option<u16>,
    /// What tells this process from others that have the same options.
    pub(crate) one_of_many: Option<&'a str>,
    /// Whether Locust itself pushes where the variables of OpenTelemetry say (`--otel`): then what
    /// they do not say is as Locust takes it.
    pub(crate) with_otel: bool,
    /// The variables that are set; only those of OpenTelemetry are looked for.
    pub(crate) variables: &'a dyn Fn(&str) -> Option<String>,
}

/// What is pushed where. Secrets are read here.
///
/// # Errors
///
/// One line that names the flag or variable, the value if it is no secret, and what is accepted.
pub(crate) fn settings(given: &Given<'_>) -> Result<Plan, String> {
    let common = &given.args.common;
    let remote_write = given.remote_write()?;
    let otlp::Chosen { otlp, by, off, interval, ignored } = given.otlp()?;
    let pushgateway = given.pushgateway()?;
    let mut ignored = ignored;
    ignored.extend(given.idle(remote_write.is_some(), otlp.is_some(), pushgateway.is_some()));
    if remote_write.is_none() && otlp.is_none() && pushgateway.is_none() {
        return Ok(Plan { ignored, otlp_off: off, ..Plan::default() });
    }
    let spool = common.spool_path.clone();
    if spool.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        return Err(format!("{}: expected a folder", given.origin.name("--push.spool.path")));
    }
    let config = Config {
        interval: common.interval.or(interval).unwrap_or(INTERVAL),
        timeout: common.timeout.unwrap_or(TIMEOUT),
        final_timeout: common.final_timeout,
        queue_bytes: common.queue_bytes,
        spool: spool.map(|path| Spool { path, max_bytes: common.spool_bytes }),
        identity: given.identity()?,
        remote_write,
        otlp,
        pushgateway,
    };
    let is_instance_given = common.instance.as_ref().is_some_and(|instance| !instance.is_empty());
    Ok(Plan {
        config: Some(config),
        is_instance_given,
        otlp_by: by,
        otlp_off: off,
        ignored,
        is_one_of_many: given.one_of_many.is_some(),
    })
}

impl Given<'_> {
    /// Options that do nothing, since what they are about is not pushed.
    fn idle(&self, remote_write: bool, otlp: bool, pushgateway: bool) -> Vec<String> {
        let args = self.args;
        let backends = [
            (remote_write, args.remote_write_backend.given(), "--push.remote-write.url"),
            (otlp, args.otlp_backend.given(), "--push.otlp.endpoint"),
            (pushgateway, args.pushgateway_backend.given(), "--pushgateway.url"),
        ];
        let mut idle: Vec<_> = backends
            .into_iter()
            .filter(|(is_on, backend, _)| !is_on && backend.is_given())
            .map(|(_, backend, address)| {
                format!("{}.* does nothing: {address} names no address", backend.flags)
            })
            .collect();
        if args.common.spool_path.is_some() && !remote_write && !otlp {
            let spool = self.origin.name("--push.spool.path");
            idle.push(format!("{spool} does nothing: nothing is pushed by remote write or OTLP"));
        }
        idle
    }

    fn identity(&self) -> Result<Identity, String> {
        let common = &self.args.common;
        let job = common.job.as_deref().unwrap_or("locust");
        if job.is_empty() {
            return Err(format!("{}: expected a name", self.origin.name("--push.job")));
        }
        let given = common.instance.clone().filter(|instance| !instance.is_empty());
        let instance = given.unwrap_or_else(|| match self.one_of_many {
            // That tells it from all others by itself.
            Some(_) if self.port.is_none() => machine(),
            _ => instance_at(self.port),
        });
        Ok(Identity {
            job: job.to_owned(),
            instance: match self.one_of_many {
                Some(which) => format!("{instance}-{which}"),
                None => instance,
            },
            program: ("locust_exporter", build::VERSION),
        })
    }

    fn remote_write(&self) -> Result<Option<RemoteWrite>, String> {
        let args = &self.args.remote_write;
        let Some(url) = &args.url else {
            return Ok(None);
        };
        let flag = self.origin.name("--push.remote-write.url");
        // Some receivers are told by the query what to do with what they get.
        let address = backend::address(url, true).map_err(|cause| format!("{flag}: {cause}"))?;
        let target =
            self.args.remote_write_backend.given().target(address, Vec::new(), self.origin)?;
        let own = [("job", "--push.job"), ("instance", "--push.instance")];
        let external_labels = check::labels(&args.external_labels, &own).map_err(|cause| {
            format!("{}: {cause}", self.origin.name("--push.remote-write.external-label"))
        })?;
        Ok(Some(RemoteWrite {
            target,
            version: match args.version {
                VersionArg::Auto => push::Version::Auto,
                VersionArg::V1 => push::Version::V1,
                VersionArg::V2 => push::Version::V2,
            },
            external_labels,
            native_histograms: match args.native_histograms {
                NativeArg::Auto => NativeHistograms::Auto,
                NativeArg::Always => NativeHistograms::Always,
                NativeArg::Never => NativeHistograms::Never,
            },
        }))
    }

    fn pushgateway(&self) -> Result<Option<Pushgateway>, String> {
        let args = &self.args.pushgateway;
        // As charts of the Go exporters leave it where it is off.
        let Some(url) = args.url.as_ref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let flag = self.origin.name("--pushgateway.url");
        let url = backend::with_scheme(url);
        let address = backend::address(&url, false).map_err(|cause| format!("{flag}: {cause}"))?;
        if address.url.path().contains("/metrics/job") {
            return Err(format!(
                "{flag}: {:?} has the path of a group: give the Pushgateway's own address, and the \
                 group by --pushgateway.job and --pushgateway.grouping",
                address.url.as_str()
            ));
        }
        let target =
            self.args.pushgateway_backend.given().target(address, Vec::new(), self.origin)?;
        if args.job.is_empty() {
            return Err(format!("{}: expected a name", self.origin.name("--pushgateway.job")));
        }
        let own = [("job", "--pushgateway.job")];
        let mut grouping = check::labels(&args.grouping, &own)
            .map_err(|cause| format!("{}: {cause}", self.origin.name("--pushgateway.grouping")))?;
        if let Some(which) = self.one_of_many
            && grouping.iter().all(|(name, _)| name != "instance")
        {
            grouping.push(("instance".to_owned(), format!("{}-{which}", machine())));
        }
        Ok(Some(Pushgateway {
            target,
            job: args.job.clone(),
            grouping,
            interval: args.interval,
            method: match args.method {
                MethodArg::Put => Method::Put,
                MethodArg::Post => Method::Post,
            },
            delete_on_exit: args.delete_on_exit,
        }))
    }
}

/// An instance that no other process has meanwhile: this machine's name, and the port listened on;
/// where there is none, this process's id.
pub(crate) fn instance_at(port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{}:{port}", machine()),
        None => format!("{}-{}", machine(), std::process::id()),
    }
}

/// This machine's name.
fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// A variable of this process.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
