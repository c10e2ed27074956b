//! Number formats for people: counts, durations, money, percentages.

use crate::store::known_cost;

/// A count with thousands separators: `12,345`.
#[must_use]
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A large count with three digits: `6.3 M`.
#[must_use]
pub fn rough(number: i64) -> String {
    let units = [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")];
    let Some((least, unit)) = units.into_iter().find(|(least, _)| number >= *least) else {
        return count(number);
    };
    let size = if unit == "k" { 1_000 } else { least };
    match number / size {
        whole @ ..100 => format!("{whole}.{} {unit}", number % size * 10 / size),
        whole => format!("{} {unit}", count(whole)),
    }
}

/// A duration in milliseconds: `412 ms`, `1.9 s`, `20 s`, `2 min 5 s`.
#[must_use]
pub fn duration(milliseconds: i64) -> String {
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        10_000..60_000 => format!("{} s", milliseconds / 1_000),
        1_000..10_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}

/// Nano-dollars as `$12.30`; small amounts get four or six decimals.
#[must_use]
pub fn money(nano_dollars: i64) -> String {
    let sign = if nano_dollars < 0 { "-" } else { "" };
    let nano = nano_dollars.unsigned_abs();
    if nano == 0 || nano >= 1_000_000_000 {
        let cents = nano / 10_000_000;
        let whole = count(i64::try_from(cents / 100).unwrap_or(i64::MAX));
        return format!("{sign}${whole}.{:02}", cents % 100);
    }
    if nano < 1_000 {
        return format!("{sign}<$0.000001");
    }
    if nano >= 10_000_000 {
        return format!("{sign}$0.{:04}", nano / 100_000);
    }
    format!("{sign}$0.{:06}", nano / 1_000)
}

/// A sum of costs; `unpriced` is the number of requests without a known cost.
#[must_use]
pub fn sum(nano_dollars: i64, unpriced: i64) -> String {
    match known_cost(nano_dollars, unpriced) {
        None => "unknown".to_owned(),
        Some(cost) if unpriced > 0 => format!("at least {}", money(cost)),
        Some(cost) => money(cost),
    }
}

/// A share in percent with one decimal: `99.2 %`. `–` if `whole` is zero.
#[must_use]
pub fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".to_owned();
    }
    // Rounded down, so that 99.96 % is not shown as 100 %.
    let thousandths = i128::from(part) * 1_000 / i128::from(whole);
    if thousandths % 10 == 0 {
        format!("{} %", thousandths / 10)
    } else {
        format!("{}.{} %", thousandths / 10, thousandths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!([0, 999, 1_000, -1_234_567].map(count), ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!([9_999, 12_345, 824_880, 6_324_080].map(rough), ["9,999", "12.3 k", "824 k", "6.3 M"]);
        assert_eq!(
            [0, 999, 1_960, 20_900, 125_000].map(duration),
            ["0 ms", "999 ms", "1.9 s", "20 s", "2 min 5 s"]
        );
        let prices = [0, 1, 42_500, 4_200_000, 42_010_000, 12_345_678_900, 1_234_000_000_000].map(money);
        assert_eq!(
            prices,
            ["$0.00", "<$0.000001", "$0.000042", "$0.004200", "$0.0420", "$12.34", "$1,234.00"]
        );
        assert_eq!((sum(0, 0), sum(0, 3)), ("$0.00".to_owned(), "unknown".to_owned()));
        assert_eq!(
            (sum(4_200_000, 0), sum(4_200_000, 1)),
            ("$0.004200".to_owned(), "at least $0.004200".to_owned())
        );
        assert_eq!(share(1, 0), "–");
        assert_eq!((share(9_996, 10_000), share(1, 2)), ("99.9 %".to_owned(), "50 %".to_owned()));
    }
}
