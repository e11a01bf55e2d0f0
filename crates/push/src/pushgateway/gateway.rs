//! One group of a Pushgateway.

use std::time::Duration;

use exposition::Families;
use outgoing::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use outgoing::{Client, ConfigError, Http, shown};
use url::Url;

use super::body::Body;
use super::group;
use crate::config::{Method, Pushgateway};
use crate::transport::Outcome;
use crate::verdict;

/// The format that has native histograms; every version of the Pushgateway takes it.
const PROTOBUF: HeaderValue = HeaderValue::from_static(
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
);

/// One group of a Pushgateway.
pub(crate) struct Gateway {
    client: Client,
    /// The group's address.
    url: Url,
    /// Names of the labels that the grouping key gives to every sample.
    key: Vec<String>,
    method: Method,
    interval: Duration,
    delete_on_exit: bool,
}

impl Gateway {
    /// Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the target.
    pub(crate) fn new(
        config: &Pushgateway,
        timeout: Duration,
        user_agent: &str,
    ) -> Result<Self, ConfigError> {
        let Pushgateway { target, job, grouping, method, interval, delete_on_exit } = config;
        let names = grouping.iter().map(|(name, _)| name.clone());
        Ok(Self {
            client: Client::new(target, timeout, user_agent, Http::One)?,
            url: group::url(&target.url, job, grouping),
            key: std::iter::once("job".to_owned()).chain(names).collect(),
            method: *method,
            interval: *interval,
            delete_on_exit: *delete_on_exit,
        })
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn timeout(&self) -> Duration {
        self.client.timeout()
    }

    /// What is wrong where the time is over before an answer has come.
    pub(super) fn too_late(&self) -> String {
        let via = self.client.via();
        format!("{} did not answer before the time was over{via}", shown(&self.url))
    }

    pub(super) fn deletes_on_exit(&self) -> bool {
        self.delete_on_exit
    }

    /// Families as this group may have them.
    pub(super) fn body(&self, families: &dyn Families) -> Body {
        Body::of(families, &self.key)
    }

    pub(super) async fn push(&self, body: &Body) -> Outcome {
        let method = match self.method {
            Method::Put => outgoing::Method::PUT,
            Method::Post => outgoing::Method::POST,
        };
        self.ask(method, HeaderMap::from_iter([(CONTENT_TYPE, PROTOBUF)]), body.bytes()).await
    }

    pub(crate) async fn delete(&self) -> Outcome {
        self.ask(outgoing::Method::DELETE, HeaderMap::new(), bytes::Bytes::new()).await
    }

    async fn ask(
        &self,
        method: outgoing::Method,
        headers: HeaderMap,
        body: bytes::Bytes,
    ) -> Outcome {
        let asking =
            verdict::ask(&self.client, method, &self.url, headers, body, verdict::unanswered);
        let answer = match asking.await {
            Err(outcome) => return outcome,
            Ok(answer) => answer,
        };
        let status = answer.status;
        if status.is_success() {
            return Outcome::WHOLE;
        }
        let cause = format!(
            "{} answers {}",
            shown(&self.url),
            verdict::said_through(&self.client, &answer)
        );
        // It judges each push anew, beside what other groups hold by then.
        if status.is_client_error() && status.as_u16() != 429 {
            Outcome::Refused { cause }
        } else {
            Outcome::Later { cause, after: answer.retry_after(), is_doubtful: true }
        }
    }
}
