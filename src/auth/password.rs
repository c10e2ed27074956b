//! Passwords: argon2id, off the request threads, a few at a time. The only user of argon2.
//!
//! One hash takes 19 MiB and a core for a moment. So two are made at once, some wait, and the rest are told to come
//! back: a flood of log-ins must not take the machine from the requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Error;

/// The shortest password that is taken, in characters.
pub const SHORTEST: usize = 10;
/// The longest, in bytes: longer ones only serve to keep us busy.
pub const LONGEST: usize = 1_024;

/// Why a password is not taken, in one sentence; none if it is.
#[must_use]
pub fn objection(password: &SecretString) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        return Some(format!("The password must have at least {SHORTEST} characters."));
    }
    (password.len() > LONGEST).then(|| format!("The password must have at most {LONGEST} bytes."))
}

/// What is verified where there is no account: as dear as a real hash, and no password fits it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ZmFpbHNvZnQvbm9ib2R5IQ$QNCDgMHQl9hU3DWDJ68lr5GbkuUmcYJeCPWwu5MOWfY";

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

/// Does the password belong to the hash? Without a hash it takes as long, and the answer is no.
///
/// # Errors
/// The hash is damaged. [`Error::Busy`]: too many callers wait.
pub async fn verify(password: SecretString, hash: Option<String>) -> Result<bool, Error> {
    BENCH
        .run(move || {
            let exists = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let hash = PasswordHash::new(hash).map_err(|error| Error::internal(error.to_string()))?;
            let password = password.expose_secret();
            let fits = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            Ok(exists && fits && password.len() <= LONGEST)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse".into()).await.expect("a hash");
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse".into(), Some(hashed.clone())).await.expect("verified"));
        assert!(!verify("battery staple".into(), Some(hashed)).await.expect("verified"));
    }

    #[tokio::test]
    async fn nobody_has_a_hash_as_dear_as_everybodys_and_no_password() {
        let hashed = hash("correct horse".into()).await.expect("a hash");
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODY), cost(&hashed));
        let lengths = |hash: &str| hash.split('$').skip(4).map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(NOBODY), lengths(&hashed));
        for password in ["", "failsoft nobody", "correct horse"] {
            assert!(!verify(password.into(), None).await.expect("verified"), "{password}");
        }
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
