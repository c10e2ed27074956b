//! Concurrent maps by our own ids.

/// A concurrent map. Its keys are UUIDs and keyed hashes that this service makes, so no caller can choose them, and a
/// seeded hash is enough. The default one, `SipHash`, costs more than the rest of a lookup.
pub type IdMap<K, V> = papaya::HashMap<K, V, foldhash::fast::RandomState>;
