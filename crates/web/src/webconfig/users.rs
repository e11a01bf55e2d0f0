//! `basic_auth_users`: names and bcrypt hashes.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use ring::digest::{Context, SHA256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Problem;
use super::file::Secret;

/// Credentials found right that are remembered at most.
const REMEMBERED: usize = 128;

/// Passwords checked at a time: bcrypt is meant to be slow, and Locust runs on this machine too.
const CHECKS: usize = 2;

/// Passwords that are being checked or wait for it. Whoever waits holds a connection, which cannot
/// be closed to make room for another: strangers must not hold many.
const PLACES: usize = 16;

/// Any salt and hash; the cost is put before them.
const NOBODY: &str = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Who may come in.
pub(crate) struct Users {
    hashes: BTreeMap<String, Secret>,
    /// A hash that no password has, which takes as long as the slowest of the users'.
    nobody: String,
    /// Digests of credentials that were right.
    right: Mutex<HashSet<[u8; 32]>>,
    places: Arc<Semaphore>,
    checks: Arc<Semaphore>,
}

/// Whether somebody may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A user with their password.
    Admitted,
    /// Nobody known.
    Refused,
    /// Too many passwords are being checked.
    Busy,
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
            places: Arc::new(Semaphore::new(PLACES)),
            checks: Arc::new(Semaphore::new(CHECKS)),
        }))
    }

    /// Whether the `Authorization` header names a user and their password.
    pub(crate) async fn admit(&self, authorization: Option<&HeaderValue>) -> Admission {
        let Some((name, password)) = authorization.and_then(credentials) else {
            return Admission::Refused;
        };
        let known = std::str::from_utf8(&name).ok().and_then(|name| self.hashes.get(name));
        let hash = known.map_or(self.nobody.as_str(), Secret::reveal).to_owned();
        let key = digest(&name, &hash, &password);
        if known.is_some() && self.right().contains(&key) {
            return Admission::Admitted;
        }
        // An unknown user's password is checked too: the time does not tell who is known.
        let Some(turn) = self.turn().await else { return Admission::Busy };
        let check = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(password, &hash);
            // Not before, not even if the client hangs up: the work goes on all the same.
            drop(turn);
            is_right
        });
        let is_right = matches!(check.await, Ok(Ok(true)));
        if is_right && known.is_some() {
            self.remember(key);
            Admission::Admitted
        } else {
            Admission::Refused
        }
    }

    /// Waits until a password may be checked, if there is a place left to wait in.
    async fn turn(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let check = Arc::clone(&self.checks).acquire_owned().await.ok()?;
        Some([place, check])
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
    use std::time::Duration;

    use super::*;

    fn users(cost: u32) -> Users {
        let hash = bcrypt::hash("right", cost).unwrap();
        let yaml = format!("basic_auth_users: {{alice: '{hash}'}}");
        let file = super::super::file::File::parse(&yaml).unwrap();
        Users::new(&file.users).unwrap().unwrap()
    }

    async fn ask(users: &Users, credentials: &str) -> Admission {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        users.admit(Some(&header.parse().unwrap())).await
    }

    async fn admit(users: &Users, credentials: &str) -> bool {
        ask(users, credentials).await == Admission::Admitted
    }

    #[tokio::test]
    async fn only_a_few_strangers_may_wait_and_who_was_let_in_before_need_not() {
        let users = Arc::new(users(9));
        assert!(admit(&users, "alice:right").await);
        for name in ["alice", "bob"] {
            let mut asking = tokio::task::JoinSet::new();
            for _ in 0..10 * PLACES {
                let users = Arc::clone(&users);
                asking.spawn(async move { ask(&users, &format!("{name}:wrong")).await });
            }
            while users.places.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            let let_in = admit(&users, "alice:right").await;
            let answers = asking.join_all().await;
            let count = |which| answers.iter().filter(|answer| **answer == which).count();
            assert_eq!(count(Admission::Refused), PLACES, "{name}");
            assert_eq!(count(Admission::Busy), 9 * PLACES, "{name}");
            assert!(let_in);
        }
        assert_eq!(ask(&users, "bob:wrong").await, Admission::Refused, "the places are free again");
    }

    #[tokio::test]
    async fn who_hangs_up_keeps_their_place_while_their_password_is_checked() {
        let users = users(12);
        let hangs_up = tokio::time::timeout(Duration::from_millis(20), ask(&users, "bob:wrong"));
        assert!(hangs_up.await.is_err(), "it takes longer");
        assert_eq!(users.places.available_permits(), PLACES - 1);
        assert_eq!(users.checks.available_permits(), CHECKS - 1);
    }

    #[tokio::test]
    async fn only_a_known_user_with_the_right_password_comes_in() {
        let users = users(4);
        assert!(admit(&users, "alice:right").await);
        for wrong in ["alice:wrong", "alice:", "bob:right", ":right", "alice", "", "alice:right:"] {
            assert!(!admit(&users, wrong).await, "{wrong}");
        }
        assert_eq!(users.admit(None).await, Admission::Refused);
        for wrong in ["Bearer x", "Basic", "Basic !", "basic", ""] {
            let answer = users.admit(Some(&wrong.parse().unwrap())).await;
            assert_eq!(answer, Admission::Refused, "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_unknown_users_password_costs_as_much_as_a_known_ones() {
        let users = users(8);
        assert_eq!(cost(&users.nobody), Ok(8));
        let is_right = bcrypt::verify("wrong", &users.nobody).ok();
        assert_eq!(is_right, Some(false), "it is checked to the end");
        // Who is checked needs a place.
        let _all = users.places.try_acquire_many(PLACES.try_into().unwrap()).unwrap();
        for stranger in ["alice:wrong", "bob:wrong"] {
            assert_eq!(ask(&users, stranger).await, Admission::Busy, "{stranger}");
        }
    }

    #[tokio::test]
    async fn what_was_right_is_remembered_but_not_in_clear() {
        let users = users(4);
        assert!(admit(&users, "alice:right").await);
        assert_eq!(users.right().len(), 1);
        assert!(!admit(&users, "alice:wrong").await);
        assert_eq!(users.right().len(), 1);
        // Where nothing can be checked, what is remembered still comes in.
        let _all = users.places.try_acquire_many(PLACES.try_into().unwrap()).unwrap();
        assert_eq!(ask(&users, "alice:right").await, Admission::Admitted);
        assert_eq!(ask(&users, "alice:wrong").await, Admission::Busy);
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
