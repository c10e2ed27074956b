//! Number formats for people: counts, durations, money, percentages.

use crate::domain::plural::plural;
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

/// A count with its noun: `1 request`, `12,345 requests`.
#[must_use]
pub fn counted(number: impl TryInto<i64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    format!("{} {}", count(number), plural(number, one, many))
}

/// That the rest of a list is not shown, as a sentence; empty if there is no rest.
#[must_use]
pub fn not_shown(rest: usize) -> String {
    if rest == 0 {
        return String::new();
    }
    format!("{} not shown.", counted(rest, "more is", "more are"))
}

/// Tokens of prompts and answers: `1 token in, 12.3 k out`.
#[must_use]
pub fn tokens(input: i64, output: i64) -> String {
    format!("{} {} in, {} out", rough(input), plural(input, "token", "tokens"), rough(output))
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

/// The decimals of the amounts in a column, so that their points align.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimals {
    /// For amounts from a dollar on.
    Two,
    /// For amounts from a cent on.
    Four,
    /// For amounts below a cent.
    Six,
}

impl Decimals {
    /// The decimals that the smallest amount in nano-dollars needs. Nothing needs none.
    #[must_use]
    pub fn of(amounts: impl IntoIterator<Item = i64>) -> Self {
        let amounts = amounts.into_iter().map(i64::unsigned_abs);
        match amounts.filter(|amount| *amount > 0).min() {
            None | Some(1_000_000_000..) => Self::Two,
            Some(10_000_000..) => Self::Four,
            Some(_) => Self::Six,
        }
    }

    /// Nano-dollars with these decimals.
    #[must_use]
    pub fn money(self, nano_dollars: i64) -> String {
        let sign = if nano_dollars < 0 { "-" } else { "" };
        let nano = nano_dollars.unsigned_abs();
        if (1..1_000).contains(&nano) {
            return format!("{sign}<$0.000001");
        }
        let (width, parts) = match self {
            Self::Two => (2, 100),
            Self::Four => (4, 10_000),
            Self::Six => (6, 1_000_000),
        };
        let amount = nano / (1_000_000_000 / parts);
        let whole = count(i64::try_from(amount / parts).unwrap_or(i64::MAX));
        format!("{sign}${whole}.{:0width$}", amount % parts)
    }

    /// A sum of costs; `unpriced` is the number of requests without a known cost.
    #[must_use]
    pub fn sum(self, nano_dollars: i64, unpriced: i64) -> String {
        match known_cost(nano_dollars, unpriced) {
            None => "unknown".to_owned(),
            Some(cost) if unpriced > 0 => format!("at least {}", self.money(cost)),
            Some(cost) => self.money(cost),
        }
    }
}

/// Nano-dollars as `$12.30`; small amounts get four or six decimals.
#[must_use]
pub fn money(nano_dollars: i64) -> String {
    Decimals::of([nano_dollars]).money(nano_dollars)
}

/// A sum of costs; `unpriced` is the number of requests without a known cost.
#[must_use]
pub fn sum(nano_dollars: i64, unpriced: i64) -> String {
    Decimals::of([nano_dollars]).sum(nano_dollars, unpriced)
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
        assert_eq!(counted(1_usize, "request", "requests"), "1 request");
        assert_eq!(counted(1_000_u64, "request", "requests"), "1,000 requests");
        assert_eq!([0, 1, 2].map(not_shown), ["", "1 more is not shown.", "2 more are not shown."]);
        assert_eq!(
            (tokens(1, 1), tokens(0, 12_345)),
            ("1 token in, 1 out".to_owned(), "0 tokens in, 12.3 k out".to_owned())
        );
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
        let column = [12_345_678_900, 42_010_000, 0, 1];
        let aligned = ["$12.345678", "$0.042010", "$0.000000", "<$0.000001"];
        assert_eq!(column.map(|cost| Decimals::of(column).money(cost)), aligned);
        assert_eq!(Decimals::of([1_000_000_000, 0]), Decimals::Two);
        assert_eq!(Decimals::of([12_345_678_900, 42_010_000]).sum(42_010_000, 2), "at least $0.0420");
        assert_eq!(share(1, 0), "–");
        assert_eq!((share(9_996, 10_000), share(1, 2)), ("99.9 %".to_owned(), "50 %".to_owned()));
    }
}
