//! Writes a struct as a list of its values.
//!
//! Every request stores such lists, and the names of their members would be most of the text.

/// Writes the fields of `$value` to `$serializer` as a list, in this order. Those after the semicolon are left out if all of
/// them have their default value. A new field comes last and after the semicolon, so that processes of the release before
/// can read the list.
macro_rules! value_list {
    ($serializer:expr, $value:expr, [$($field:ident),+ $(; $($last:ident),+)?]) => {{
        use serde::ser::SerializeSeq as _;
        let value = $value;
        let mut list = $serializer.serialize_seq(None)?;
        $(list.serialize_element(&value.$field)?;)+
        $(if [$($crate::store::records::value_list::is_default(&value.$last)),+].contains(&false) {
            $(list.serialize_element(&value.$last)?;)+
        })?
        list.end()
    }};
}

pub(in crate::store) use value_list;

/// Whether a value is the default of its type.
pub(in crate::store) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
