//! A run of the gateway in a task of its own.
//!
//! Each step of a run that waits wakes its task. In the task of the connection, the server then looks for a next request,
//! for which it clears 3 KB of memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::rt::spawn;
use actix_web::web;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::error::{Error, Result};
use crate::gateway::response::answer::Answer;
use crate::gateway::{Gateway, Job};

/// A request that is under way. Dropping it cancels the upstream call.
pub(super) struct Run(AbortOnDropHandle<Result<Answer>>);

impl Run {
    /// Starts the run of a request.
    pub(super) fn start(gateway: web::Data<Gateway>, job: Box<Job>) -> Self {
        Self(AbortOnDropHandle::new(spawn(async move { gateway.run(job).await })))
    }
}

impl Future for Run {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // It is not canceled while it is polled, so an error is a panic.
        Pin::new(&mut self.0)
            .poll(context)
            .map(|done| done.unwrap_or_else(|panic| Err(Error::internal(panic))))
    }
}
