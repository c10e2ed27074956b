//! Prices of models: dated rows, of which the newest applies. Rows are never changed or deleted, so that the cost of an old
//! request can be explained.

use std::collections::HashMap;

use entity::ids::{ModelId, ModelPriceId, ProviderId};
use entity::{model_prices, models, providers};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::{ModelRow, OrgStore};
use crate::domain::error::Error;
use crate::providers::{LongPrompt, ModelPrice};
use crate::store::transaction::Change;

impl OrgStore {
    /// Sets a price from now on, if it is different. A price without any number removes the price of the organization, and the
    /// built-in price applies again.
    pub(super) async fn price_set(
        &self,
        change: &Change,
        id: ModelId,
        price: Option<ModelPrice>,
    ) -> Result<(), Error> {
        let price = price.and_then(ModelPrice::if_known);
        if self.prices(change.on(), &[id]).await?.remove(&id) == price {
            return Ok(());
        }
        let now = self.clock().now();
        let ModelPrice {
            input,
            output,
            reasoning,
            cache_read,
            cache_write,
            cache_write_1h,
            audio_input,
            audio_output,
            long_prompt,
        } = price.unwrap_or_default();
        let row = model_prices::ActiveModel {
            id: Set(ModelPriceId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            model_id: Set(id),
            input: Set(input),
            output: Set(output),
            reasoning: Set(reasoning),
            cache_read: Set(cache_read),
            cache_write: Set(cache_write),
            cache_write_1h: Set(cache_write_1h),
            audio_input: Set(audio_input),
            audio_output: Set(audio_output),
            long_prompt_above: Set(long_prompt.map(|long| long.above)),
            long_prompt_input: Set(long_prompt.and_then(|long| long.input)),
            long_prompt_output: Set(long_prompt.and_then(|long| long.output)),
            long_prompt_reasoning: Set(long_prompt.and_then(|long| long.reasoning)),
            long_prompt_cache_read: Set(long_prompt.and_then(|long| long.cache_read)),
            long_prompt_cache_write: Set(long_prompt.and_then(|long| long.cache_write)),
            long_prompt_cache_write_1h: Set(long_prompt.and_then(|long| long.cache_write_1h)),
            valid_from: Set(now),
            created_at: Set(now),
        };
        row.insert(change.on()).await?;
        Ok(())
    }

    /// A model row with the preset of its provider and its price.
    pub(super) async fn complete(
        &self,
        on: &impl ConnectionTrait,
        row: models::Model,
    ) -> Result<ModelRow, Error> {
        let mut rows = self.complete_all(on, vec![row]).await?;
        rows.pop().ok_or_else(|| Error::internal("a model's row got lost"))
    }

    /// Model rows with the presets of their providers and their prices, in the same order.
    pub(super) async fn complete_all(
        &self,
        on: &impl ConnectionTrait,
        rows: Vec<models::Model>,
    ) -> Result<Vec<ModelRow>, Error> {
        let ids: Vec<ModelId> = rows.iter().map(|row| row.id).collect();
        let mut prices = self.prices(on, &ids).await?;
        let presets = self.presets(on, rows.iter().map(|row| row.provider_id).collect()).await?;
        rows.into_iter()
            .map(|row| {
                // Rows of providers are kept as long as those of their models, so the preset is always known.
                let preset = presets.get(&row.provider_id).cloned().unwrap_or_default();
                let price = prices.remove(&row.id);
                ModelRow::new(row, preset, price)
            })
            .collect()
    }

    /// The current prices of the organization.
    async fn prices(
        &self,
        on: &impl ConnectionTrait,
        ids: &[ModelId],
    ) -> Result<HashMap<ModelId, ModelPrice>, Error> {
        // Oldest first, so that the map keeps the newest.
        let rows = model_prices::Entity::find()
            .filter(model_prices::Column::OrganizationId.eq(self.organization_id))
            .filter(model_prices::Column::ModelId.is_in(ids.iter().copied()))
            .order_by_asc(model_prices::Column::ValidFrom)
            .order_by_asc(model_prices::Column::Id)
            .all(on)
            .await?;
        let mut prices: HashMap<_, _> =
            rows.into_iter().map(|row| (row.model_id, ModelPrice::from(&row))).collect();
        prices.retain(|_, price| price.if_known().is_some());
        Ok(prices)
    }

    async fn presets(
        &self,
        on: &impl ConnectionTrait,
        ids: Vec<ProviderId>,
    ) -> Result<HashMap<ProviderId, String>, Error> {
        let presets: Vec<(ProviderId, String)> = providers::Entity::find()
            .filter(providers::Column::OrganizationId.eq(self.organization_id))
            .filter(providers::Column::Id.is_in(ids))
            .select_only()
            .column(providers::Column::Id)
            .column(providers::Column::Preset)
            .into_tuple()
            .all(on)
            .await?;
        Ok(presets.into_iter().collect())
    }
}

impl From<&model_prices::Model> for ModelPrice {
    fn from(row: &model_prices::Model) -> Self {
        Self {
            input: row.input,
            output: row.output,
            reasoning: row.reasoning,
            cache_read: row.cache_read,
            cache_write: row.cache_write,
            cache_write_1h: row.cache_write_1h,
            audio_input: row.audio_input,
            audio_output: row.audio_output,
            long_prompt: row.long_prompt_above.map(|above| LongPrompt {
                above,
                input: row.long_prompt_input,
                output: row.long_prompt_output,
                reasoning: row.long_prompt_reasoning,
                cache_read: row.long_prompt_cache_read,
                cache_write: row.long_prompt_cache_write,
                cache_write_1h: row.long_prompt_cache_write_1h,
            }),
        }
    }
}
