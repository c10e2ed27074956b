//! Passwords: argon2id, off the request threads, a few at a time. The only user of argon2.
//!
//! One hash takes 19 MiB and a core for a moment. So two are made at once, some wait, and the rest are told to come
//! back: a flood of log-ins must not take the machine from the requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Argon2, CustomizedPasswordHasher as _, Params, PasswordHash, PasswordHasher as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use zxcvbn::{Score, zxcvbn};

use crate::domain::error::Error;
use crate::store::vault::Vault;

/// The shortest password that is taken, in characters.
pub const SHORTEST: usize = 10;
/// The longest, in bytes: longer ones only serve to keep us busy.
pub const LONGEST: usize = 1_024;

/// Fewer guesses than this find a password too soon: what is common, repeated, a row of keys or one's own name.
const GUESSES: Score = Score::Two;
/// How much of a password is judged, in characters: what comes after only makes it better.
const JUDGED: usize = 64;

/// Why a new password is not taken, in one sentence; none if it is. `own` is what others know of the person: the address,
/// the name, the organization.
#[must_use]
pub fn objection(password: &SecretString, own: &[&str]) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        return Some(format!("The password must have at least {SHORTEST} characters."));
    }
    if password.len() > LONGEST {
        return Some(format!("The password must have at most {LONGEST} bytes."));
    }
    let judged: String = password.chars().take(JUDGED).collect();
    let own: Vec<&str> = own.iter().flat_map(|text| parts(text)).collect();
    let soon = is_made_of(&judged, &own) || zxcvbn(&judged, &own).score() < GUESSES;
    soon.then(|| TOO_COMMON.to_owned())
}

const TOO_COMMON: &str = "This password is guessed too soon: it is common, a pattern, or made of your address or name. \
                          Take several words that do not belong together, or let a password manager make one.";

/// Is little left of it without what others know?
fn is_made_of(password: &str, own: &[&str]) -> bool {
    let mut own: Vec<String> = own.iter().map(|word| word.to_lowercase()).collect();
    own.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = own.iter().fold(password.to_lowercase(), |left, word| left.replace(word, ""));
    left.chars().filter(|letter| letter.is_alphanumeric()).count() < SHORTEST / 2
}

/// A text and the words in it, as they are found in passwords.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    std::iter::once(text).filter(|text| !text.is_empty()).chain(words)
}

/// How a password is hashed: the algorithm's parameters and the salt. All accounts of one address have the same, so one
/// hash finds the account, however many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    params: Params,
    salt: Vec<u8>,
}

impl Recipe {
    /// That of an address without an account.
    #[must_use]
    pub fn of_address(vault: &Vault, email: &str) -> Self {
        let hash = *vault.keyed_hasher("password salt").update(email.as_bytes()).finalize().as_bytes();
        Self { params: Params::default(), salt: hash.into_iter().take(SALT).collect() }
    }

    /// That by which a stored hash was made.
    ///
    /// # Errors
    /// The hash is damaged.
    pub fn of_hash(hash: &str) -> Result<Self, Error> {
        let hash = PasswordHash::new(hash).map_err(|error| Error::internal(error.to_string()))?;
        let params = Params::try_from(&hash).map_err(|error| Error::internal(error.to_string()))?;
        let salt = hash.salt.ok_or_else(|| Error::internal("a password's hash has no salt"))?;
        Ok(Self { params, salt: salt.to_vec() })
    }
}

const SALT: usize = 16;

/// Hashes at once in this process.
const AT_ONCE: usize = 2;
/// Callers who may wait for their turn.
const WAITING: usize = 64;

static BENCH: Bench = Bench::new(AT_ONCE, WAITING);

/// New passwords (sign-ups, resets) take turns before they come to the bench: however many come, one is there, and
/// log-ins have the other place.
static NEW_PASSWORDS: Bench = Bench::new(1, WAITING / 4);

/// Where hashes are made.
struct Bench {
    places: Semaphore,
    here: AtomicUsize,
    most: usize,
}

/// Somebody at the bench, or waiting for it.
struct Seat<'a>(&'a AtomicUsize);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Bench {
    const fn new(at_once: usize, waiting: usize) -> Self {
        let places = Semaphore::const_new(at_once);
        Self { places, here: AtomicUsize::new(0), most: at_once + waiting }
    }

    /// A place, as soon as it is this caller's turn.
    async fn turn(&'static self) -> Result<(SemaphorePermit<'static>, Seat<'static>), Error> {
        let seat = Seat(&self.here);
        if self.here.fetch_add(1, Ordering::AcqRel) >= self.most {
            return Err(Error::Busy);
        }
        let place = self.places.acquire().await.map_err(Error::internal)?;
        Ok((place, seat))
    }

    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (place, seat) = self.turn().await?;
        // The work goes on if its caller leaves, and keeps its place until it is done.
        let done = tokio::task::spawn_blocking(move || {
            let _kept = (place, seat);
            work()
        });
        done.await.map_err(Error::internal)?
    }
}

/// A new password's turn. Those who come with one wait for each other before they come to the bench.
///
/// # Errors
/// [`Error::Busy`]: too many wait.
pub(in crate::auth) async fn turn_of_a_new_one() -> Result<impl Sized, Error> {
    NEW_PASSWORDS.turn().await
}

/// Hashes a password.
///
/// # Errors
/// The hash could not be made. [`Error::Busy`]: too many callers wait.
pub async fn hash(password: SecretString) -> Result<String, Error> {
    let _turn = NEW_PASSWORDS.turn().await?;
    BENCH
        .run(move || {
            let hashed = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await
}

/// Hashes a password by each recipe: what the account that it belongs to has on record is one of them. A password that
/// is too long to be taken has no hash, and takes as long.
///
/// # Errors
/// A hash could not be made. [`Error::Busy`]: too many callers wait.
pub async fn hash_by(password: SecretString, recipes: Vec<Recipe>) -> Result<Vec<String>, Error> {
    BENCH
        .run(move || {
            let password = password.expose_secret();
            let fits = password.len() <= LONGEST;
            let hashed = recipes.into_iter().map(|Recipe { params, salt }| {
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
    async fn a_password_has_its_own_hash_by_the_recipe_of_its_account() {
        let hashed = hash("correct horse".into()).await.expect("a hash");
        assert!(hashed.starts_with("$argon2id$"));
        let recipe = Recipe::of_hash(&hashed).expect("a recipe");
        let same = hash_by("correct horse".into(), vec![recipe.clone()]).await.expect("hashed");
        assert_eq!(same, std::slice::from_ref(&hashed));
        let other = hash_by("battery staple".into(), vec![recipe.clone()]).await.expect("hashed");
        assert_ne!(other, [hashed]);
        // A salt of its own makes another hash, and a password that is too long has none.
        let elsewhere = Recipe { salt: vec![1; SALT], ..recipe.clone() };
        assert_ne!(hash_by("correct horse".into(), vec![elsewhere]).await.expect("hashed"), same);
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(hash_by(long.as_str().into(), vec![recipe]).await.expect("hashed"), [""; 0]);
    }

    #[test]
    fn what_is_guessed_soon_is_no_password() {
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
            assert!(objection.contains("guessed too soon"), "{common}: {objection}");
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
    async fn who_finds_every_seat_taken_is_told_to_come_back() {
        static SMALL: Bench = Bench::new(1, 1);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn(SMALL.run(move || gate.recv().map_err(Error::internal)));
        while SMALL.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(SMALL.run(|| Ok(())));
        while SMALL.here.load(Ordering::Acquire) < 2 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(SMALL.run(|| Ok(())).await, Err(Error::Busy)));
        open.send(()).expect("it waits");
        first.await.expect("no panic").expect("done");
        second.await.expect("no panic").expect("done");
        SMALL.run(|| Ok(())).await.expect("a seat");
        assert_eq!(SMALL.here.load(Ordering::Acquire), 0);
    }
}
