//! One request, in reading order: [`request`] → [`plan`] → [`adapt`] → [`attempt`](mod@attempt) → [`classify`] →
//! [`trail`] → [`relay`](mod@relay) → [`answer`]. [`Gateway::run`] joins them. What calls say about models and
//! providers goes through [`pulse`] to [`cooldown`] and [`health`], and comes back to the plan as its outlook.
//!
//! Its inner format is OpenAI chat. Imports `store` (snapshots and the recorder), `providers`, `upstream`,
//! `error`, `clock`; neither the database library nor the HTTP server.

pub mod adapt;
pub mod answer;
pub mod attempt;
pub mod choices;
pub mod classify;
pub mod cooldown;
pub mod cost;
pub mod drill;
pub mod endpoint;
pub mod frame;
pub mod health;
pub mod members;
pub mod metrics;
pub mod needs;
pub mod plan;
pub mod pulse;
pub mod redact;
pub mod relay;
pub mod request;
pub mod stream;
pub mod trail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use answer::Answer;
use attempt::{Call, Outcome, Reply, attempt, explain};
use classify::{ErrorClass, Failure, Fault};
use cooldown::Heat;
use drill::Drills;
use endpoint::Endpoints;
use metrics::Metrics;
use needs::Needs;
use plan::{Candidate, Exhausted, Limits, Outlook, Plan, Step, View};
use pulse::{Listeners, Pulse};
use relay::{Manner, relay};
use request::{ChatRequest, Wanted};
use trail::{Context, Trail};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::store::recorder::Recorder;
use crate::store::snapshot::{ApiKeyEntry, ModelEntry, OrganizationSnapshot};
use crate::upstream::Upstream;

/// What every request shares.
#[derive(Debug)]
pub struct Gateway {
    /// The one client.
    pub upstream: Upstream,
    /// The one writer's entrance.
    pub recorder: Recorder,
    /// The time.
    pub clock: Clock,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Addresses and headers, made once for each provider.
    pub endpoints: Endpoints,
    /// What calls have said about models and providers.
    pub listeners: Arc<Listeners>,
}

/// One request, ready to run.
#[derive(Debug)]
pub struct Job {
    /// Whose, as of now.
    pub organization: Arc<OrganizationSnapshot>,
    /// With which key.
    pub key: Arc<ApiKeyEntry>,
    /// What it asks for.
    pub request: ChatRequest,
    /// The caller's own deadline, which may lower the organization's.
    pub deadline: Option<Duration>,
    /// The caller's `traceparent`, if it is well-formed.
    pub traceparent: Option<http::HeaderValue>,
    /// What the record keeps.
    pub context: Context,
    /// How the answer is wanted.
    pub manner: Manner,
    /// Who fails on purpose.
    pub drills: Drills,
}

impl Gateway {
    /// Runs a request until its answer begins, or until nobody is left who could give one. Dropping the future
    /// cancels the upstream call.
    ///
    /// # Errors
    /// A request that cannot be planned (unknown or forbidden models), a chain's failure, or a record that could
    /// not be written.
    pub async fn run(&self, job: Job) -> Result<Answer> {
        let mut plan = job.plan()?;
        let outlook = Now { gateway: self, drills: &job.drills, needs: Needs::of(&job.request) };
        let mut trail = self.start(&job).await?;
        let mut failure: Option<Failure> = None;
        let mut withheld: Option<(Candidate, Reply, Pulse)> = None;
        loop {
            match plan.next(failure.take(), job.view(&outlook)) {
                Step::PassOver(candidate, objection) => trail.passed_over(&candidate, &objection),
                Step::Exhausted(end) => {
                    if let Some((candidate, reply, pulse)) = withheld {
                        trail.pass_on(&candidate).await?;
                        return relay(reply, pulse, trail, job.manner).await;
                    }
                    return Err(exhausted(end, trail).await);
                }
                Step::Try { candidate, after, allowance } => {
                    if !after.is_zero() {
                        tokio::time::sleep(after).await;
                    }
                    trail.calling(&candidate, job.drills.class_of(&candidate.model.name).is_some());
                    let pulse = self.pulse(&job, &candidate);
                    let called = Instant::now();
                    let (outcome, adapted) = self.attempt(&job, &candidate, allowance).await;
                    let took = called.elapsed();
                    trail.called(took);
                    let fault = match outcome {
                        Outcome::Ready(reply) => {
                            trail.commit(&candidate, reply.status(), took, adapted).await?;
                            return relay(reply, pulse, trail, job.manner).await;
                        }
                        Outcome::Failed(fault) => fault,
                        Outcome::Filtered(reply, fault) => {
                            withheld = Some((candidate.clone(), reply, pulse.clone()));
                            fault
                        }
                    };
                    let found = explain(fault, &candidate.model.provider);
                    pulse.failed(&found);
                    trail.failed(&candidate, &found, took, adapted);
                    failure = Some(found);
                }
            }
        }
    }

    async fn start(&self, job: &Job) -> Result<Trail> {
        // What was made to fail is no figure of the service.
        let metrics = if job.drills.is_empty() { self.metrics.clone() } else { Arc::default() };
        let context = Context { drill: !job.drills.is_empty(), ..job.context.clone() };
        Trail::start(context, self.clock.clone(), self.recorder.clone(), metrics).await
    }

    fn pulse(&self, job: &Job, candidate: &Candidate) -> Pulse {
        Pulse::new(&self.listeners, job.organization.id, &candidate.model, !job.drills.is_empty())
    }

    async fn attempt(&self, job: &Job, candidate: &Candidate, allowance: Duration) -> (Outcome, Vec<String>) {
        let model = &candidate.model;
        if let Some(class) = job.drills.class_of(&model.name) {
            return (Outcome::Failed(Fault::Drill(class)), Vec::new());
        }
        let endpoint = match self.endpoints.of(&self.upstream, &model.provider) {
            Ok(endpoint) => endpoint,
            Err(connect) => return (Outcome::Failed(Fault::Connect(connect)), Vec::new()),
        };
        let adapted = adapt::adapt(&job.request, model, candidate.primary);
        let call = Call {
            model,
            target: &endpoint.target,
            headers: endpoint.headers_for(job.request.stream, job.traceparent.as_ref()),
            body: adapted.body,
            stream: job.request.stream,
            include_usage: job.request.include_usage,
            allowance,
            now: job.context.created_at,
        };
        (attempt(&self.upstream, call).await, adapted.changes)
    }
}

/// What is known of models now, as one request sees it.
struct Now<'a> {
    gateway: &'a Gateway,
    drills: &'a Drills,
    needs: Needs<'a>,
}

impl Now<'_> {
    /// A model that fails on purpose is not called, so nothing speaks against it.
    fn is_drilled(&self, model: &ModelEntry) -> bool {
        self.drills.class_of(&model.name).is_some()
    }
}

impl Outlook for Now<'_> {
    fn heat(&self, model: &ModelEntry) -> Heat {
        if self.is_drilled(model) { Heat::Cool } else { self.gateway.listeners.cooldowns.heat(model) }
    }

    fn claim_probe(&self, model: &ModelEntry) -> bool {
        // A drill leaves no trace, so it takes no probe from a real request either.
        !self.drills.is_empty() || self.gateway.listeners.cooldowns.claim_probe(model)
    }

    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        if self.is_drilled(model) { None } else { self.needs.unfit(model) }
    }
}

async fn exhausted(end: Exhausted, mut trail: Trail) -> Error {
    let failure = match end {
        Exhausted::Failed(failure) => failure,
        Exhausted::Cooling(cooling) => trail.left_alone(&cooling),
        Exhausted::PassedOver(reason) => trail.last_pass_over(reason),
    };
    let status = answer::status_of(&failure);
    trail.fail(failure, status).await
}

impl Job {
    /// The candidates, as far as they are known at the start. Names are checked before anybody is called.
    fn plan(&self) -> Result<Plan> {
        let organization = &self.organization;
        let limit = organization.settings.max_fallbacks;
        let limits = Limits {
            max_fallbacks: self.request.max_fallbacks.map_or(limit, |wanted| wanted.min(limit)) as usize,
            num_retries: self.request.num_retries,
            allowed: self.key.models.clone(),
        };
        match &self.request.wanted {
            Wanted::Stored(name) => {
                Ok(Plan::of_stored(organization.clone(), self.model(name, true)?, limits))
            }
            Wanted::Alone(name) => Ok(Plan::of_list(vec![self.model(name, true)?], limits)),
            Wanted::List(names) => {
                let primary = names.first().map(String::as_str);
                let models = names.iter().map(|name| self.model(name, Some(name.as_str()) == primary));
                Ok(Plan::of_list(models.collect::<Result<_>>()?, limits))
            }
        }
    }

    /// A model of the catalogue that the key may use. An unknown primary is a 404, an unknown entry of a list a 400.
    fn model(&self, name: &str, primary: bool) -> Result<Arc<ModelEntry>> {
        let Some(model) = self.organization.models.get(name) else {
            if primary {
                return Err(Error::ModelUnknown { model: name.to_owned(), available: Vec::new() });
            }
            let message = format!(
                "The list names the model '{name}', which does not exist in this organization's catalogue. Add it, or take it out of the list."
            );
            return Err(Error::refused(Some("models"), "model_not_found", message));
        };
        if !self.key.allows_model(name) {
            return Err(Error::ModelForbidden { model: name.to_owned() });
        }
        Ok(model.clone())
    }

    /// The world as the plan may see it now.
    fn view<'a>(&self, outlook: &'a dyn Outlook) -> View<'a> {
        let own = self.organization.settings.deadline();
        let deadline = self.deadline.map_or(own, |wanted| wanted.min(own));
        View {
            left: deadline.saturating_sub(self.context.started.elapsed()),
            jitter: rand::random(),
            outlook,
        }
    }
}
