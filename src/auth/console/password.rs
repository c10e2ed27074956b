//! Password hashing with argon2id, off the request threads and with bounded concurrency. The only user of argon2.
//!
//! One hash needs 19 MiB and a core for a moment. Two are computed at once, a bounded number wait, and the rest are
//! refused, so that a flood of logins does not slow down requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Argon2, CustomizedPasswordHasher as _, Params, PasswordHash, PasswordHasher as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use zxcvbn::{Score, zxcvbn};

use crate::domain::error::Error;
use crate::store::vault::Vault;

/// Minimum length of a password, in characters.
pub const MIN_CHARACTERS: usize = 10;
/// Maximum length in bytes; longer ones would only waste time.
pub const MAX_BYTES: usize = 1_024;

/// Passwords with a lower score are easy to guess: common ones, repetitions, keyboard rows, personal names.
const MIN_SCORE: Score = Score::Two;
/// Number of characters that are scored; more can only make a password stronger.
const SCORED_CHARACTERS: usize = 64;

/// Why a new password is refused, in one sentence; `None` if it is accepted. `own` holds personal words: address, name,
/// organization.
#[must_use]
pub fn objection(password: &SecretString, own: &[&str]) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < MIN_CHARACTERS {
        return Some(format!("The password must have at least {MIN_CHARACTERS} characters."));
    }
    if password.len() > MAX_BYTES {
        return Some(format!("The password must have at most {MAX_BYTES} bytes."));
    }
    let judged: String = password.chars().take(SCORED_CHARACTERS).collect();
    let own: Vec<&str> = own.iter().flat_map(|text| parts(text)).collect();
    let soon = is_made_of(&judged, &own) || zxcvbn(&judged, &own).score() < MIN_SCORE;
    soon.then(|| TOO_COMMON.to_owned())
}

const TOO_COMMON: &str = "This password is easy to guess: it is common, a pattern, or made of your address or name. Use several unrelated words, or let a password manager create one.";

/// Whether the password consists mostly of personal words.
fn is_made_of(password: &str, own: &[&str]) -> bool {
    let mut own: Vec<String> = own.iter().map(|word| word.to_lowercase()).collect();
    own.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = own.iter().fold(password.to_lowercase(), |left, word| left.replace(word, ""));
    left.chars().filter(|letter| letter.is_alphanumeric()).count() < MIN_CHARACTERS / 2
}

/// A text and its words of three or more characters.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    std::iter::once(text).filter(|text| !text.is_empty()).chain(words)
}

/// The parameters and salt of a hash. All accounts of one email address share them, so one hash finds the matching
/// account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashSettings {
    params: Params,
    salt: Vec<u8>,
}

impl HashSettings {
    /// The settings for an address without an account.
    #[must_use]
    pub fn of_address(vault: &Vault, email: &str) -> Self {
        let hash = *vault.keyed_hasher("password salt").update(email.as_bytes()).finalize().as_bytes();
        Self { params: Params::default(), salt: hash.into_iter().take(SALT_BYTES).collect() }
    }

    /// The settings by which a password is compared with the stored hashes of an address. There is one, unless older
    /// releases created accounts too. Without an account it is `otherwise`, so that the same work is done.
    ///
    /// # Errors
    /// A hash is malformed.
    pub fn of_accounts(
        hashes: impl IntoIterator<Item = String>,
        otherwise: impl FnOnce() -> Self,
    ) -> Result<Vec<Self>, Error> {
        let mut all: Vec<Self> = Vec::new();
        for hash in hashes {
            let settings = Self::of_hash(&hash)?;
            if !all.contains(&settings) && all.len() < MOST_SETTINGS {
                all.push(settings);
            }
        }
        if all.is_empty() {
            all.push(otherwise());
        }
        Ok(all)
    }

    /// The settings of a stored hash.
    ///
    /// # Errors
    /// The hash is malformed.
    pub fn of_hash(hash: &str) -> Result<Self, Error> {
        let hash = PasswordHash::new(hash).map_err(|error| Error::internal(error.to_string()))?;
        let params = Params::try_from(&hash).map_err(|error| Error::internal(error.to_string()))?;
        let salt = hash.salt.ok_or_else(|| Error::internal("a password's hash has no salt"))?;
        Ok(Self { params, salt: salt.to_vec() })
    }
}

const SALT_BYTES: usize = 16;

/// The most hashes that are computed for one password.
const MOST_SETTINGS: usize = 3;

/// Hashes computed at once in this process.
const MAX_CONCURRENT: usize = 2;
/// Callers that may wait.
const MAX_WAITING: usize = 64;

static HASHING: HashingLimit = HashingLimit::new(MAX_CONCURRENT, MAX_WAITING);

/// New passwords (sign-ups, resets) pass this limit first, one at a time, so that logins always have the other slot.
static NEW_PASSWORDS: HashingLimit = HashingLimit::new(1, MAX_WAITING / 4);

/// Limits concurrent and waiting hash computations.
struct HashingLimit {
    permits: Semaphore,
    in_use: AtomicUsize,
    most: usize,
}

/// Counts a caller that computes or waits.
struct Slot<'a>(&'a AtomicUsize);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl HashingLimit {
    const fn new(at_once: usize, waiting: usize) -> Self {
        let permits = Semaphore::const_new(at_once);
        Self { permits, in_use: AtomicUsize::new(0), most: at_once + waiting }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`Error::Busy`]: too many callers wait.
    async fn acquire(&'static self) -> Result<(SemaphorePermit<'static>, Slot<'static>), Error> {
        let slot = Slot(&self.in_use);
        if self.in_use.fetch_add(1, Ordering::AcqRel) >= self.most {
            return Err(Error::Busy);
        }
        let permit = self.permits.acquire().await.map_err(Error::internal)?;
        Ok((permit, slot))
    }

    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (permit, slot) = self.acquire().await?;
        // If the caller disconnects, the computation continues and keeps its permit.
        let done = tokio::task::spawn_blocking(move || {
            let _kept = (permit, slot);
            work()
        });
        done.await.map_err(Error::internal)?
    }
}

/// Waits for the slot of new passwords.
///
/// # Errors
/// [`Error::Busy`]: too many wait.
pub(in crate::auth) async fn acquire_new_password_slot() -> Result<impl Sized, Error> {
    NEW_PASSWORDS.acquire().await
}

/// Hashes a password with a random salt.
///
/// # Errors
/// The hash could not be made. [`Error::Busy`]: too many callers wait.
pub async fn hash(password: SecretString) -> Result<String, Error> {
    let _turn = NEW_PASSWORDS.acquire().await?;
    HASHING
        .run(move || {
            let hashed = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await
}

/// Hashes a password with each of the settings; the stored hash of the matching account is among the results. A
/// password that is too long yields no hashes but takes as long.
///
/// # Errors
/// A hash could not be made. [`Error::Busy`]: too many callers wait.
pub async fn hash_by(password: SecretString, settings: Vec<HashSettings>) -> Result<Vec<String>, Error> {
    HASHING
        .run(move || {
            let password = password.expose_secret();
            let fits = password.len() <= MAX_BYTES;
            let hashed = settings.into_iter().map(|HashSettings { params, salt }| {
                let password = if fits { password.as_bytes() } else { &[] };
                let hash = Argon2::default().hash_password_customized(password, &salt, None, None, params);
                hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
            });
            let hashed = hashed.collect::<Result<Vec<_>, _>>()?;
            Ok(if fits { hashed } else { Vec::new() })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_hash_depends_on_the_settings_of_its_account() {
        let hashed = hash("correct horse".into()).await.expect("a hash");
        assert!(hashed.starts_with("$argon2id$"));
        let settings = HashSettings::of_hash(&hashed).expect("a recipe");
        let same = hash_by("correct horse".into(), vec![settings.clone()]).await.expect("hashed");
        assert_eq!(same, std::slice::from_ref(&hashed));
        let other = hash_by("battery staple".into(), vec![settings.clone()]).await.expect("hashed");
        assert_ne!(other, [hashed]);
        // Another salt yields another hash; a password that is too long yields none.
        let elsewhere = HashSettings { salt: vec![1; SALT_BYTES], ..settings.clone() };
        assert_ne!(hash_by("correct horse".into(), vec![elsewhere]).await.expect("hashed"), same);
        let long = "x".repeat(MAX_BYTES + 1);
        assert_eq!(hash_by(long.as_str().into(), vec![settings]).await.expect("hashed"), [""; 0]);
    }

    /// Nothing but the hashes takes a time that can be noticed. Their number and parameters decide it, not a clock.
    #[tokio::test]
    async fn an_unknown_address_takes_as_much_work_as_a_known_one() {
        let of_address = || HashSettings { params: Params::default(), salt: vec![7; SALT_BYTES] };
        let unknown = HashSettings::of_accounts([], of_address).expect("settings");
        let stored = hash_by("correct horse".into(), unknown.clone()).await.expect("hashed").remove(0);
        let random = hash("correct horse".into()).await.expect("a hash");
        for hashes in [vec![stored.clone()], vec![stored.clone(); 5], vec![random.clone()]] {
            let known = HashSettings::of_accounts(hashes, of_address).expect("settings");
            let of = |one: &HashSettings| (one.params.m_cost(), one.params.t_cost(), one.params.p_cost());
            let work = |all: &[HashSettings]| all.iter().map(of).collect::<Vec<_>>();
            assert_eq!(work(&known), work(&unknown));
            for all in [&known, &unknown] {
                assert_eq!(hash_by("battery staple".into(), all.clone()).await.expect("hashed").len(), 1);
            }
        }
        // Accounts of older releases have random salts.
        let several = HashSettings::of_accounts([stored, random], of_address).expect("settings");
        assert_eq!(several.len(), 2);
    }

    #[test]
    fn passwords_that_are_easy_to_guess_are_refused() {
        let refused = |password: &str, own: &[&str]| objection(&password.into(), own);
        for common in [
            "1234567890",
            "0987654321",
            "qwertyuiop",
            "aaaaaaaaaa",
            "password123",
            "abcdefghij",
            "Password12!",
            "iloveyou12",
            "1q2w3e4r5t",
            "0000000000",
        ] {
            let objection = refused(common, &[]).expect(common);
            assert!(objection.contains("easy to guess"), "{common}: {objection}");
        }
        let own = ["grace.hopper@example.com", "Compilers United"];
        for known in
            ["grace.hopper", "hopper.grace", "grace.hopper@example.com", "compilers1", "compilersunited"]
        {
            assert!(refused(known, &own).is_some(), "{known}");
        }
        for good in [
            "correct horse battery",
            "a long password",
            "a horse of another color",
            "tr0ub4dor&3-x",
            "\u{43a}\u{43e}\u{448}\u{43a}\u{430} \u{441}\u{43f}\u{438}\u{442}",
            "v9J#kq2LmZ",
        ] {
            assert_eq!(refused(good, &own), None, "{good}");
        }
        assert!(refused("short", &[]).is_some_and(|text| text.contains("at least 10 characters")));
        assert!(refused(&"x y z".repeat(300), &[]).is_some_and(|text| text.contains("at most 1024 bytes")));
    }

    #[tokio::test]
    async fn callers_beyond_the_limit_are_refused() {
        static SMALL: HashingLimit = HashingLimit::new(1, 1);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn(SMALL.run(move || gate.recv().map_err(Error::internal)));
        while SMALL.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(SMALL.run(|| Ok(())));
        while SMALL.in_use.load(Ordering::Acquire) < 2 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(SMALL.run(|| Ok(())).await, Err(Error::Busy)));
        open.send(()).expect("it waits");
        first.await.expect("no panic").expect("done");
        second.await.expect("no panic").expect("done");
        SMALL.run(|| Ok(())).await.expect("a seat");
        assert_eq!(SMALL.in_use.load(Ordering::Acquire), 0);
    }
}
