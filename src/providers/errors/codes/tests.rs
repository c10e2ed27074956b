//! Each code has one row, which is found however the code is spelled.

use super::*;
use crate::providers::error_in_answer;

#[test]
fn no_code_has_two_rows_for_one_status() {
    for (position, row) in ROWS.iter().enumerate() {
        for other in ROWS.iter().skip(position + 1) {
            assert!(!same(row.code, other.code), "{} and {}", row.code, other.code);
        }
    }
}

#[test]
fn every_row_is_found_however_its_code_is_spelled() {
    for own in ROWS {
        for spelled in [own.code.to_owned(), own.code.to_ascii_uppercase(), own.code.replace('_', " - ")] {
            for status in (100..600).filter(|status| own.applies.admits(*status)) {
                assert_eq!(row(status, &spelled).map(|row| row.code), Some(own.code), "{spelled}");
            }
        }
        for other in ["", "x", own.code.get(1..).unwrap_or_default()] {
            assert!(row(200, other).is_none_or(|row| same(row.code, other)), "{other}");
        }
        let more = format!("{}x", own.code);
        assert!(row(200, &more).is_none_or(|row| row.code != own.code), "{more}");
    }
}

#[test]
fn the_finest_code_wins_and_the_rule_says_where_it_was() {
    let error = error_in_answer(
        br#"{"type":"rate_limit_error","code":"content_filter","innererror":{"code":"ContextLengthExceeded"}}"#,
    );
    let found = meaning(&error);
    assert_eq!(found, Some((Meaning::ContextWindow, "inner_code:context_length_exceeded")));
    let error = error_in_answer(br#"{"type":"Overloaded_Error"}"#);
    assert_eq!(meaning(&error), Some((Meaning::Overloaded, "type:overloaded_error")));
}

#[test]
fn generic_server_types_count_only_without_a_status() {
    let mut error = error_in_answer(br#"{"type":"server_error"}"#);
    assert_eq!(meaning(&error).map(|found| found.0), Some(Meaning::Unavailable));
    error.status = 503;
    assert_eq!(meaning(&error), None);
}

#[test]
fn a_generic_type_is_no_meaning() {
    let error = error_in_answer(br#"{"type":"invalid_request_error","message":"x"}"#);
    assert_eq!(meaning(&error), None);
    assert!(is_bad_request(&error));
}
