//! `basic_auth_users`: names and bcrypt hashes.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use ring::digest::{Context, SHA256};
use tokio::sync::Semaphore;

use super::Problem;
use super::file::Secret;

/// Credentials found right that are remembered at most.
const REMEMBERED: usize = 128;

/// Passwords checked at a time: bcrypt is meant to be slow, and Locust runs on this machine too.
const CHECKS: usize = 2;

/// Any salt and hash; the cost is put before them.
const NOBODY: &str = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Who may come in.
pub(crate) struct Users {
    hashes: BTreeMap<String, Secret>,
    /// A hash that no password has, which takes as long as the slowest of the users'.
    nobody: String,
    /// Digests of credentials that were right.
    right: Mutex<HashSet<[u8; 32]>>,
    checks: Semaphore,
}

impl Users {
    /// The users; `None` if there are none.
    pub(super) fn new(hashes: &BTreeMap<String, Secret>) -> Result<Option<Self>, Problem> {
        let mut slowest = 0;
        for (name, hash) in hashes {
            let cost = cost(hash.reveal())
                .map_err(|why| format!("basic_auth_users: the hash of user {name:?} {why}"))?;
            slowest = slowest.max(cost);
        }
        Ok((!hashes.is_empty()).then(|| Self {
            hashes: hashes.clone(),
            nobody: format!("$2b${slowest:02}${NOBODY}"),
            right: Mutex::default(),
            checks: Semaphore::new(CHECKS),
        }))
    }

    /// Whether the `Authorization` header names a user and their password.
    pub(crate) async fn admit(&self, authorization: Option<&HeaderValue>) -> bool {
        let Some((name, password)) = authorization.and_then(credentials) else { return false };
        let known = std::str::from_utf8(&name).ok().and_then(|name| self.hashes.get(name));
        let hash = known.map_or(self.nobody.as_str(), Secret::reveal).to_owned();
        let key = digest(&name, &hash, &password);
        if known.is_some() && self.right().contains(&key) {
            return true;
        }
        // An unknown user's password is checked too: the time does not tell who is known.
        let Ok(_turn) = self.checks.acquire().await else { return false };
        let check = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash));
        let is_right = matches!(check.await, Ok(Ok(true))) && known.is_some();
        if is_right {
            self.remember(key);
        }
        is_right
    }

    fn right(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 32]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, key: [u8; 32]) {
        let mut right = self.right();
        if right.len() >= REMEMBERED {
            right.clear();
        }
        right.insert(key);
    }
}

/// The cost of a bcrypt hash, or why it is none.
fn cost(hash: &str) -> Result<u32, &'static str> {
    const ADVICE: &str = "is not a bcrypt hash ($2a$, $2b$ or $2y$): make one with `htpasswd -nB`";
    // $2x$ marks hashes made by a faulty implementation.
    if !["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
        return Err(ADVICE);
    }
    let parts = HashParts::from_str(hash).map_err(|_| ADVICE)?;
    match parts.get_cost() {
        cost @ 4..=31 => Ok(cost),
        _ => Err("has a bcrypt cost that is not from 4 to 31"),
    }
}

/// Name and password of a `Basic` header.
fn credentials(header: &HeaderValue) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut name = STANDARD.decode(encoded.trim()).ok()?;
    let colon = name.iter().position(|b| *b == b':')?;
    let password = name.split_off(colon + 1);
    name.pop();
    Some((name, password))
}

/// Stands for credentials without showing them. Lengths keep `a` + `bc` apart from `ab` + `c`.
fn digest(name: &[u8], hash: &str, password: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [name, hash.as_bytes(), password] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn users(cost: u32) -> Users {
        let hash = bcrypt::hash("right", cost).unwrap();
        let yaml = format!("basic_auth_users: {{alice: '{hash}'}}");
        let file = super::super::file::File::parse(&yaml).unwrap();
        Users::new(&file.users).unwrap().unwrap()
    }

    async fn admit(users: &Users, credentials: &str) -> bool {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        users.admit(Some(&header.parse().unwrap())).await
    }

    /// The least time of a few refusals: whatever else the machine does only adds to it.
    async fn least(users: &Users, name: &str) -> Duration {
        let mut least = Duration::MAX;
        for i in 0..5 {
            let start = Instant::now();
            assert!(!admit(users, &format!("{name}:wrong{i}")).await);
            least = least.min(start.elapsed());
        }
        least
    }

    #[tokio::test]
    async fn only_a_known_user_with_the_right_password_comes_in() {
        let users = users(4);
        assert!(admit(&users, "alice:right").await);
        for wrong in ["alice:wrong", "alice:", "bob:right", ":right", "alice", "", "alice:right:"] {
            assert!(!admit(&users, wrong).await, "{wrong}");
        }
        assert!(!users.admit(None).await);
        for wrong in ["Bearer x", "Basic", "Basic !", "basic", ""] {
            assert!(!users.admit(Some(&wrong.parse().unwrap())).await, "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_unknown_user_takes_as_long_as_a_known_one() {
        let users = users(8);
        let (known, unknown) = (least(&users, "alice").await, least(&users, "bob").await);
        assert!(unknown > known / 2 && known > unknown / 2, "{known:?} {unknown:?}");
        assert!(unknown > Duration::from_millis(5), "no password was checked: {unknown:?}");
    }

    #[tokio::test]
    async fn what_was_right_is_remembered_but_not_in_clear() {
        let users = users(10);
        assert!(admit(&users, "alice:right").await);
        assert_eq!(users.right().len(), 1);
        let start = Instant::now();
        for _ in 0..100 {
            assert!(admit(&users, "alice:right").await);
        }
        // A hundred checks would take several seconds.
        assert!(start.elapsed() < Duration::from_secs(1));
        assert!(!admit(&users, "alice:wrong").await);
        assert_eq!(users.right().len(), 1);
    }

    #[test]
    fn memory_of_right_credentials_is_bounded() {
        let users = users(4);
        for i in 0..1000_u32 {
            users.remember(digest(&i.to_le_bytes(), "", b""));
        }
        assert!(users.right().len() <= REMEMBERED);
    }
}
