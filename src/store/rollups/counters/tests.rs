//! The sum of the counts is the sum of the rows, to the last nano-dollar.

use chrono::{DateTime, TimeDelta};
use entity::ids::RequestId;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::store::rollups::buckets::WIDTHS;

/// A row that differs from others in what it is counted by.
fn row(kind: u8, cost: Option<i64>, tokens: i64) -> RequestRow {
    let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(i64::from(kind % 5) * 7);
    let answered = kind % 4 != 3;
    RequestRow {
        id: RequestId(Uuid::nil()),
        organization_id: OrganizationId(Uuid::from_u128(u128::from(kind % 2))),
        api_key_id: kind.is_multiple_of(3).then(|| Uuid::from_u128(7)),
        api_key_name: None,
        requested_model: "a".to_owned(),
        served_model: answered.then(|| if kind.is_multiple_of(2) { "a" } else { "b" }.to_owned()),
        served_provider: None,
        outcome: if answered { Outcome::Answered } else { Outcome::Interrupted }.into(),
        error_class: None,
        status_code: 200,
        endpoint: String::new(),
        invocation_type: InvocationType::ChatCompletion.into(),
        streamed: false,
        input_tokens: Some(tokens),
        output_tokens: Some(tokens),
        cached_tokens: None,
        reasoning_tokens: None,
        cache_write_tokens: None,
        usage_flag: None,
        cost_nano_dollars: cost,
        cost_source: None,
        model_price_id: None,
        estimated: kind.is_multiple_of(7),
        first_frame_ms: None,
        total_ms: 1,
        upstream_calls: 1,
        hops: 0,
        attempts: Value::Null.into(),
        session_id: (kind % 6 < 3).then(|| Uuid::from_u128(u128::from(kind % 6))),
        session_ref: None,
        client_retry_count: None,
        origin: Origin::Live.into(),
        created_at: at,
        recorded_at: at,
        instance_id: None,
        budget_only_nano_dollars: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(10_000), ..ProptestConfig::default() })]

    #[test]
    fn the_sum_of_the_counts_is_the_sum_of_the_rows(
        rows in prop::collection::vec((any::<u8>(), prop::option::of(0..=MOST_NANO_DOLLARS), 0_i64..=100_000_000, 0_u8..8, 0_i64..3), 0..12)
    ) {
        let mut texts = Vec::new();
        let (mut invoice, mut of_sessions, mut beyond) = (0, 0, 0);
        for (kind, cost, tokens, taken_back, budget_only_nano_dollars) in rows {
            let row = RequestRow { budget_only_nano_dollars, ..row(kind, cost, tokens) };
            let mut delta = Delta::default();
            delta.request(&row, 1);
            // Some are corrected: they are taken back, and counted again without their cost.
            let mut billed = cost.unwrap_or(0);
            if taken_back == 0 {
                delta.request(&row, -1);
                delta.owned_request(&RequestRow { cost_nano_dollars: Some(0), ..row.clone() }, 1);
                billed = 0;
            }
            texts.push(delta.text().expect("a text"));
            invoice += billed;
            beyond += budget_only_nano_dollars;
            of_sessions += row.session_id.map_or(0, |_| billed);
        }
        let mut tally = Tally::default();
        texts.iter().for_each(|text| tally.add(serde_json::from_str(text).expect("a delta")));
        let tally = tally.in_all_buckets();
        for width in WIDTHS {
            let sums = tally.requests.iter().filter(|(key, _)| key.bucket.width == width);
            prop_assert_eq!(sums.map(|(_, sums)| sums.cost_nano_dollars).sum::<i64>(), invoice);
        }
        prop_assert_eq!(tally.daily.costs(), (invoice, of_sessions));
        prop_assert_eq!(tally.daily.budget_only(), beyond);
    }
}
