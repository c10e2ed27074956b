//! Host names that resolve as a test decides.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use failsoft::config::Settings;
use failsoft::upstream::name_resolver::NameResolver;
use failsoft::upstream::resolver::ResolveFailed;
use futures_util::future::BoxFuture;

use super::app::App;
use super::database::{Database, Kind};

impl App {
    /// As [`App::start_with`], with a resolver for providers' host names.
    pub(crate) async fn start_asking(
        kind: Kind,
        names: Arc<dyn NameResolver>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_on(Arc::new(Database::new(kind).await), None, change, names).await
    }

    /// As [`App::beside`], with a resolver for providers' host names.
    pub(crate) async fn beside_with(
        &self,
        change: impl FnOnce(&mut Settings),
        names: Arc<dyn NameResolver>,
    ) -> Self {
        Self::start_on(self.database.clone(), Some(self.organization.clone()), change, names).await
    }
}

/// A resolver that returns these answers in order, and then repeats the last one. An empty answer is a failure.
#[derive(Debug)]
pub(crate) struct Shifty {
    answers: Mutex<VecDeque<Option<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Shifty {
    pub(crate) fn new(answers: &[Option<&[&str]>]) -> Arc<Self> {
        let parse = |text: &&str| text.parse().expect("an address");
        let answers = answers
            .iter()
            .map(|answer| answer.map(|addresses| addresses.iter().map(parse).collect()))
            .collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    /// The names that were looked up.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the names").clone()
    }
}

impl NameResolver for Shifty {
    fn addresses(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>> {
        self.asked.lock().expect("the names").push(name);
        let mut answers = self.answers.lock().expect("the answers");
        let last = answers.len() == 1;
        let answer = if last { answers.front().cloned() } else { answers.pop_front() };
        let found = answer.flatten().map(Arc::from).ok_or_else(|| ResolveFailed::new("no such name"));
        Box::pin(std::future::ready(found))
    }
}
