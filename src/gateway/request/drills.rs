//! Drills: the caller makes models fail on purpose, to test failover. Drilled models are not called.

use crate::domain::error::{Error, Result};
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::permission::Scope;
use crate::gateway::request::chat_request::{ChatRequest, Wanted};
use crate::store::snapshot::{ApiKeyEntry, OrganizationSnapshot};

/// The header that lists models and the classes with which they fail.
pub const HEADER: &str = "x-failsoft-drill";
/// The name of the rule in a drilled failure.
pub const RULE: &str = "drill";

/// The models that fail on purpose, with their classes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drills(Vec<(String, ErrorClass)>);

impl Drills {
    /// Parses the header's values and the request's `mock_testing_*` fields, which are about the primary.
    ///
    /// # Errors
    /// 400 for an unknown model, a class that cannot be drilled, or drills of other models than those of the request.
    pub fn read<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        request: &ChatRequest,
        organization: &OrganizationSnapshot,
    ) -> Result<Self> {
        let mut drills = Self::default();
        if let Some(class) = request.drill {
            drills.add(request.wanted.primary().to_owned(), class)?;
        }
        let entries = headers.into_iter().flat_map(|value| value.split(',')).map(str::trim);
        for entry in entries.filter(|entry| !entry.is_empty()) {
            let (model, class) = parse(entry)?;
            if !organization.models.contains_key(model) {
                let message =
                    format!("names the model '{model}', which is not in this organization's catalog.");
                return Err(refused("model_not_found", &message));
            }
            drills.add(model.to_owned(), class)?;
        }
        drills.check_reach(&request.wanted, organization)?;
        Ok(drills)
    }

    /// A drill that cannot happen is refused: its caller would take a live request for a drill.
    fn check_reach(&self, wanted: &Wanted, organization: &OrganizationSnapshot) -> Result<()> {
        let primary = wanted.primary();
        // An unknown primary is refused as such.
        if self.is_empty() || !organization.models.contains_key(primary) {
            return Ok(());
        }
        let reachable = organization.reachable(wanted.names(), matches!(wanted, Wanted::Stored(_)));
        if self.0.iter().any(|(name, _)| reachable.contains(&**name)) {
            return Ok(());
        }
        let named = self.0.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join("', '");
        let message = format!(
            "names only '{named}', which a request for '{primary}' never calls. Name '{primary}' or one of its fallbacks."
        );
        Err(refused("invalid_value", &message))
    }

    /// Creates drills for these models.
    ///
    /// # Errors
    /// 400 for a class that no call can fail with.
    pub fn of(models: impl IntoIterator<Item = (String, ErrorClass)>) -> Result<Self> {
        let mut drills = Self::default();
        for (model, class) in models {
            if !callable().any(|known| known == class) {
                return Err(refused("invalid_value", &format!("holds '{class}', which cannot be drilled.")));
            }
            drills.add(model, class)?;
        }
        Ok(drills)
    }

    /// Checks that the key may use drills.
    ///
    /// # Errors
    /// 403 if the key lacks the scope.
    pub fn check_scope(&self, key: &ApiKeyEntry) -> Result<()> {
        let scope = Scope::Drill.as_str();
        let allowed = self.is_empty() || key.scopes.iter().any(|own| own == scope);
        if allowed { Ok(()) } else { Err(Error::ScopeMissing(scope)) }
    }

    /// Whether there are no drills, so that the request is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origin in the request's rows: `live`, or `drill` if there is any drill.
    #[must_use]
    pub fn origin(&self) -> Origin {
        if self.is_empty() { Origin::Live } else { Origin::Drill }
    }

    /// The class with which the model is to fail. `None` means that it is called.
    #[must_use]
    pub fn class_of(&self, model: &str) -> Option<ErrorClass> {
        self.0.iter().find(|(name, _)| name == model).map(|(_, class)| *class)
    }

    fn add(&mut self, model: String, class: ErrorClass) -> Result<()> {
        match self.class_of(&model) {
            Some(known) if known != class => {
                let message = format!("makes the model '{model}' fail in two ways. Name it once.");
                Err(refused("conflicting_fields", &message))
            }
            Some(_) => Ok(()),
            None => {
                self.0.push((model, class));
                Ok(())
            }
        }
    }
}

fn parse(entry: &str) -> Result<(&str, ErrorClass)> {
    let Some((model, word)) = entry.split_once('=') else {
        return Err(refused(
            "invalid_value",
            &format!("holds '{entry}'. Write MODEL=CLASS, separated by commas."),
        ));
    };
    let word = word.trim();
    match word.parse::<ErrorClass>() {
        Ok(ErrorClass::StreamInterrupted) => Err(refused(
            "invalid_value",
            "cannot interrupt a stream, which needs content first. Use the simulated model 'sim/cut-midstream'.",
        )),
        Ok(class) if !class.is_passed_over() => Ok((model.trim(), class)),
        Ok(_) | Err(_) => {
            let known: Vec<&str> = callable().map(ErrorClass::as_str).collect();
            let message =
                format!("holds '{word}', which no call fails with. It can be: {}.", known.join(", "));
            Err(refused("invalid_value", &message))
        }
    }
}

/// The classes that can be drilled.
pub fn callable() -> impl Iterator<Item = ErrorClass> {
    let wanted = |class: &ErrorClass| !class.is_passed_over() && *class != ErrorClass::StreamInterrupted;
    ErrorClass::ALL.into_iter().filter(wanted)
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::refused(Some(HEADER), code, format!("The header '{HEADER}' {message}"))
}
