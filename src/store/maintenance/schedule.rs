//! When the records of each organization are next checked for those beyond its retention period, so that a sweep does
//! not ask the database about every organization.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;

/// The next check of each organization with a retention period.
#[derive(Debug, Default)]
pub(in crate::store) struct Schedule(Mutex<HashMap<OrganizationId, Check>>);

#[derive(Debug, Clone, Copy)]
struct Check {
    days: u32,
    at: DateTime<Utc>,
}

impl Schedule {
    /// The organizations that are due, with their retention periods in days, the longest due first. An organization is due
    /// when it is new here or its period has changed. A period of 0 keeps records forever.
    pub(in crate::store) fn due(
        &self,
        periods: impl Iterator<Item = (OrganizationId, u32)>,
        now: DateTime<Utc>,
    ) -> Vec<(OrganizationId, u32)> {
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for (id, days) in periods {
            if days == 0 {
                checks.remove(&id);
                continue;
            }
            let at = checks.get(&id).filter(|check| check.days == days).map(|check| check.at);
            if at.is_none_or(|at| at <= now) {
                due.push((at, id, days));
            }
        }
        due.sort_unstable_by_key(|(at, ..)| *at);
        due.into_iter().map(|(_, id, days)| (id, days)).collect()
    }

    /// Sets the next check of an organization.
    pub(in crate::store) fn set(&self, id: OrganizationId, days: u32, at: DateTime<Utc>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Check { days, at });
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_organization_is_due_when_it_is_new_when_its_time_has_come_and_when_its_period_changes() {
        let now = DateTime::UNIX_EPOCH;
        let after = |seconds| now + TimeDelta::seconds(seconds);
        let [one, two, three] = [1, 2, 3].map(|number| OrganizationId(Uuid::from_u128(number)));
        let schedule = Schedule::default();
        let due = |periods: &[(OrganizationId, u32)], at| schedule.due(periods.iter().copied(), at);
        assert_eq!(due(&[(one, 5), (two, 0)], now), [(one, 5)]);
        schedule.set(one, 5, after(10));
        schedule.set(two, 5, after(5));
        assert_eq!(due(&[(one, 5), (two, 5)], after(4)), []);
        assert_eq!(due(&[(one, 5), (two, 5), (three, 1)], after(10)), [(three, 1), (two, 5), (one, 5)]);
        assert_eq!(due(&[(one, 4), (two, 0)], now), [(one, 4)]);
        assert_eq!(due(&[(two, 5)], now), [(two, 5)], "it was forgotten");
    }
}
