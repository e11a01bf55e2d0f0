//! `basic_auth_users`: names and bcrypt hashes.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use ring::digest::{Context, SHA256};

use super::Problem;
use super::file::Secret;
use crate::peer::PeerId;
use crate::places::Places;

/// Credentials found right that are remembered at most.
const REMEMBERED: usize = 128;

/// Passwords checked at a time: bcrypt is meant to be slow, and Locust runs on this machine too.
const CHECKS: usize = 2;

/// Passwords that wait to be checked, at most: enough for many peers that try passwords, of each of
/// which one is next, and few enough that nobody waits for longer than a scraper does.
const QUEUE: usize = 128;

/// Any salt and hash; the cost is put before them.
const NOBODY: &str = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Who may come in.
pub(crate) struct Users {
    hashes: BTreeMap<String, Secret>,
    /// The dearest cost of the users' hashes: what every wrong password costs.
    cost: u32,
    checks: Arc<Checks>,
}

/// What outlives a change of the users: passwords that are being checked, and results.
struct Checks {
    /// Shared fairly among peers: one that tries passwords does not keep others waiting.
    places: Arc<Places>,
    /// Digests of credentials that were right. Each is of one hash: it says nothing of another one.
    right: Mutex<HashSet<[u8; 32]>>,
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
        let mut dearest = 0;
        for (name, hash) in hashes {
            let cost = cost(hash.reveal())
                .map_err(|why| format!("basic_auth_users: the hash of user {name:?} {why}"))?;
            dearest = dearest.max(cost);
        }
        let checks = Checks { places: Places::new(CHECKS, QUEUE), right: Mutex::default() };
        let users = Self { hashes: hashes.clone(), cost: dearest, checks: Arc::new(checks) };
        Ok((!hashes.is_empty()).then_some(users))
    }

    /// Takes over what is remembered of the configuration before.
    pub(super) fn continue_from(&mut self, before: &Self) {
        self.checks = Arc::clone(&before.checks);
    }

    /// Whether the `Authorization` header of a request of `peer` names a user and their password.
    pub(crate) async fn admit(
        &self,
        peer: PeerId,
        authorization: Option<&HeaderValue>,
    ) -> Admission {
        let Some((name, password)) = authorization.and_then(credentials) else {
            return Admission::Refused;
        };
        let known = std::str::from_utf8(&name).ok().and_then(|name| self.hashes.get(name));
        let hash = known.map_or_else(|| nobody(self.cost), |hash| hash.reveal().to_owned());
        let key = digest(&name, &hash, &password);
        if known.is_some() && self.checks.right().contains(&key) {
            return Admission::Admitted;
        }
        let Ok(place) = self.checks.places.take(peer).await else { return Admission::Busy };
        let dearest = self.cost;
        let check = tokio::task::spawn_blocking(move || {
            let is_right = verify(&password, &hash, dearest);
            // Not before, not even if the client hangs up: the work goes on all the same.
            drop(place);
            is_right
        });
        if matches!(check.await, Ok(true)) && known.is_some() {
            self.checks.remember(key);
            Admission::Admitted
        } else {
            Admission::Refused
        }
    }
}

impl Checks {
    fn right(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
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

/// A hash of this cost that no password has.
fn nobody(cost: u32) -> String {
    format!("$2b${cost:02}${NOBODY}")
}

/// Whether a password is the hash's. A wrong one takes as long as with a hash of cost `dearest`, so
/// that the time tells neither who is known nor what their hash costs. Blocks.
fn verify(password: &[u8], hash: &str, dearest: u32) -> bool {
    match bcrypt::verify(password, hash) {
        Ok(true) => true,
        Ok(false) => {
            for cost in padding(cost(hash).unwrap_or(dearest), dearest) {
                let _ = std::hint::black_box(bcrypt::verify(password, &nobody(cost)));
            }
            false
        }
        // A password that cannot be checked cannot be so for any user.
        Err(_) => false,
    }
}

/// The costs that together with `cost` make `dearest`: each step doubles the work, so that
/// 2^c + (2^c + 2^(c+1) + … + 2^(d-1)) = 2^d.
fn padding(cost: u32, dearest: u32) -> Range<u32> {
    cost..dearest
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
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    use super::*;

    fn parsed(yaml: &str) -> Users {
        let file = super::super::file::File::parse(yaml).unwrap();
        Users::new(&file.users).unwrap().unwrap()
    }

    fn users(cost: u32) -> Users {
        let hash = bcrypt::hash("right", cost).unwrap();
        parsed(&format!("basic_auth_users: {{alice: '{hash}'}}"))
    }

    fn peer(number: u8) -> PeerId {
        PeerId::from(IpAddr::from([10, 0, 0, number]))
    }

    async fn ask(users: &Users, number: u8, credentials: &str) -> Admission {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        users.admit(peer(number), Some(&header.parse().unwrap())).await
    }

    async fn admit(users: &Users, credentials: &str) -> bool {
        ask(users, 1, credentials).await == Admission::Admitted
    }

    #[tokio::test]
    async fn a_flood_of_passwords_locks_out_its_own_peer_alone() {
        let users = Arc::new(users(6));
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..2 * QUEUE {
            let users = Arc::clone(&users);
            flood.spawn(async move { ask(&users, 1, "alice:wrong").await });
        }
        while users.checks.places.waiting() < QUEUE {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&users, 1, "alice:right").await, Admission::Busy);
        assert_eq!(ask(&users, 2, "alice:right").await, Admission::Admitted);
        assert!(admit(&users, "alice:right").await, "what was right is not checked again");
        let answers = flood.join_all().await;
        let count = |which| answers.iter().filter(|answer| **answer == which).count();
        assert!(count(Admission::Refused) > QUEUE && count(Admission::Busy) > 0);
        assert_eq!(count(Admission::Refused) + count(Admission::Busy), answers.len());
        assert_eq!(ask(&users, 1, "bob:wrong").await, Admission::Refused, "there is room again");
    }

    #[tokio::test]
    async fn a_flood_from_many_peers_lets_a_new_one_take_its_turn() {
        let users = Arc::new(users(4));
        let mut flood = tokio::task::JoinSet::new();
        for number in 100..150 {
            for _ in 0..10 {
                let users = Arc::clone(&users);
                flood.spawn(async move { ask(&users, number, "alice:wrong").await });
            }
        }
        tokio::task::yield_now().await;
        assert_eq!(ask(&users, 2, "alice:right").await, Admission::Admitted);
        assert!(!flood.is_empty());
    }

    #[tokio::test]
    async fn who_hangs_up_keeps_their_place_while_their_password_is_checked() {
        let users = users(12);
        let hangs_up = tokio::time::timeout(Duration::from_millis(20), ask(&users, 1, "bob:wrong"));
        assert!(hangs_up.await.is_err(), "it takes longer");
        assert_eq!(users.checks.places.held(), 1);
    }

    #[tokio::test]
    async fn only_a_known_user_with_the_right_password_comes_in() {
        let users = users(4);
        assert!(admit(&users, "alice:right").await);
        for wrong in ["alice:wrong", "alice:", "bob:right", ":right", "alice", "", "alice:right:"] {
            assert!(!admit(&users, wrong).await, "{wrong}");
        }
        assert_eq!(users.admit(peer(1), None).await, Admission::Refused);
        for wrong in ["Bearer x", "Basic", "Basic !", "basic", ""] {
            let answer = users.admit(peer(1), Some(&wrong.parse().unwrap())).await;
            assert_eq!(answer, Admission::Refused, "{wrong}");
        }
    }

    #[test]
    fn every_wrong_password_costs_as_much_as_the_dearest_users() {
        for (cheap, dearest) in [(4, 4), (4, 6), (5, 12), (10, 11), (4, 31)] {
            let padded: u64 = padding(cheap, dearest).map(|cost| 1 << cost).sum();
            assert_eq!((1 << cheap) + padded, 1_u64 << dearest);
        }
    }

    #[test]
    fn a_cheaper_user_is_not_told_from_an_unknown_one_by_time() {
        let hash = |cost| bcrypt::hash("x", cost).unwrap();
        let hashes = [hash(5), hash(7), nobody(7)];
        let mut fastest = [Duration::MAX; 3];
        // By turns, so that what else the machine does slows all of them alike.
        for _ in 0..15 {
            for (hash, fastest) in hashes.iter().zip(&mut fastest) {
                let began = Instant::now();
                assert!(!verify(b"wrong", hash, 7));
                *fastest = began.elapsed().min(*fastest);
            }
        }
        let [cheap, dear, unknown] = fastest;
        for (name, time) in [("cheap", cheap), ("dear", dear)] {
            let ratio = time.as_secs_f64() / unknown.as_secs_f64();
            assert!((0.7..1.4).contains(&ratio), "{name}: {time:?}, unknown: {unknown:?}");
        }
    }

    #[test]
    fn a_password_that_cannot_be_checked_is_wrong_for_all_alike() {
        let hash = bcrypt::hash("x", 4).unwrap();
        for odd in [&b"a\0b"[..], b"", &[b'x'; 100], b"\xff"] {
            assert!(!verify(odd, &hash, 5) && !verify(odd, &nobody(5), 5), "{odd:?}");
        }
    }

    #[tokio::test]
    async fn what_was_right_is_remembered_but_not_in_clear() {
        let users = users(4);
        assert!(admit(&users, "alice:right").await);
        assert_eq!(users.checks.right().len(), 1);
        assert!(!admit(&users, "alice:wrong").await);
        assert_eq!(users.checks.right().len(), 1);
    }

    #[tokio::test]
    async fn what_was_right_is_remembered_over_a_change_but_not_for_another_hash() {
        let before = users(4);
        assert!(admit(&before, "alice:right").await);
        let hash = before.hashes["alice"].reveal().to_owned();
        let mut same = parsed(&format!("basic_auth_users: {{alice: '{hash}', bob: '{hash}'}}"));
        same.continue_from(&before);
        let mut changed = users(4);
        changed.continue_from(&before);
        // Nothing can be checked: only what is remembered comes in.
        let places = &before.checks.places;
        let held = (places.take(peer(8)).await, places.take(peer(9)).await);
        assert!(held.0.is_ok() && held.1.is_ok());
        assert!(admit(&same, "alice:right").await);
        let waits = tokio::time::timeout(Duration::from_millis(50), admit(&changed, "alice:right"));
        assert!(waits.await.is_err(), "another hash is checked again");
    }

    #[test]
    fn memory_of_right_credentials_is_bounded() {
        let users = users(4);
        for i in 0..1000_u32 {
            users.checks.remember(digest(&i.to_le_bytes(), "", b""));
        }
        assert!(users.checks.right().len() <= REMEMBERED);
    }
}
