//! A list has models of one kind, because no other can serve the requests of its model.

use entity::ids::ModelId;

use super::NewFallback;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::error::{Error, Location, Violation};
use crate::domain::operation::ModelKind;
use crate::store::OrgStore;
use crate::store::transaction::Change;

impl OrgStore {
    /// Refuses a list with a model of another kind. `targets` are the ids of its models, in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] with each of those models.
    pub(super) async fn check_kinds(
        &self,
        change: &Change,
        new: &NewFallback,
        (model_id, targets): (ModelId, &[ModelId]),
    ) -> Result<(), Error> {
        let all: Vec<ModelId> = targets.iter().copied().chain([model_id]).collect();
        let kinds = self.model_kinds(change.on(), &all).await?;
        let own = kinds.get(&model_id);
        let others = targets.iter().zip(&new.fallback_models).enumerate();
        let others = others.filter(|(_, (target, _))| kinds.get(*target) != own);
        let violation = |(index, (target, name)): (usize, (&ModelId, &String))| {
            let message = format!(
                "'{name}' is {}, and '{}' is {}: a list has models of one kind. Remove it from the list.",
                title(kinds.get(target)),
                new.model,
                title(own)
            );
            let location = [Location::from("body"), Location::from("fallback_models"), Location::from(index)];
            Violation::new(location, "value_error", message)
        };
        let violations: Vec<Violation> = others.map(violation).collect();
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }
}

/// The kind for people; a word of a newer release has no article.
fn title(word: Option<&String>) -> &str {
    let title = |word: &String| ModelKind::from_word(word).map(ModelKind::title);
    word.map_or("gone", |word| title(word).unwrap_or(word.as_str()))
}
