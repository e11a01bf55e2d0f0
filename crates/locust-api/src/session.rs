//! The session that a login opens, shared by all routes.

use std::future::Future;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use crate::Error;

/// The session that a login opens.
#[derive(Default)]
pub(crate) struct Session {
    current: Mutex<Current>,
}

/// A session, and which one it is.
#[derive(Clone, Default)]
pub(crate) struct Current {
    generation: u64,
    /// The `Cookie` header; `None` before the first login. After a failed login, why it failed.
    outcome: Option<Result<HeaderValue, Error>>,
}

impl Current {
    pub(crate) fn cookie(&self) -> Option<&HeaderValue> {
        self.outcome.as_ref()?.as_ref().ok()
    }
}

impl Session {
    /// The session as it is.
    pub(crate) async fn current(&self) -> Current {
        self.current.lock().await.clone()
    }

    /// Logs in again because `seen` is no longer accepted. Routes that come here together share
    /// one login, and its failure: a wrong password is sent once, not once for each route.
    pub(crate) async fn renew(
        &self,
        seen: &Current,
        login: impl Future<Output = Result<HeaderValue, Error>>,
    ) -> Result<Current, Error> {
        let mut current = self.current.lock().await;
        if current.generation == seen.generation {
            let outcome = login.await;
            current.generation += 1;
            current.outcome = Some(outcome);
        }
        match &current.outcome {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(current.clone()),
        }
    }
}
