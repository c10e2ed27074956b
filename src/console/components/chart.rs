//! Bars over time, drawn by the server: every length is worked out here, in whole units of the drawing.
//!
//! Data only; `templates/parts/chart.html` draws it.

use chrono::{DateTime, Utc};

use crate::console::components::format::count;

/// The drawing's width and height.
const WIDTH: i64 = 1_000;
const HEIGHT: i64 = 120;

/// A chart of stacked bars.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it counts.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub description: String,
    /// What is stacked, from the bottom up.
    pub series: Vec<Series>,
    /// From left to right.
    pub bars: Vec<Bar>,
    /// The highest bar's count.
    pub most: String,
    /// Moments below the bars, evenly apart.
    pub axis: Vec<String>,
    /// The same as a table.
    pub rows: Vec<Row>,
}

/// One layer of the bars.
#[derive(Debug, Clone)]
pub struct Series {
    /// How it looks: `first`, `fallback` or `bad`.
    pub tone: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Over all bars.
    pub total: String,
}

/// One bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What a pointer is told.
    pub title: String,
    /// Where it begins.
    pub x: i64,
    /// How wide it is.
    pub width: i64,
    /// How wide it is with the gap behind it.
    pub reach: i64,
    /// Its layers that are not empty.
    pub parts: Vec<Part>,
}

/// One layer of one bar.
#[derive(Debug, Clone)]
pub struct Part {
    /// As its series.
    pub tone: &'static str,
    /// Its upper edge.
    pub y: i64,
    /// How high it is.
    pub height: i64,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// When the bucket begins.
    pub from: String,
    /// One for each series.
    pub counts: Vec<String>,
}

/// What a chart is made of: buckets of equal length, each with a count for each series.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What it counts.
    pub title: &'a str,
    /// Tone and label of each series.
    pub series: &'a [(&'static str, &'static str)],
    /// Beginning and counts of each bucket.
    pub buckets: &'a [(DateTime<Utc>, Vec<i64>)],
    /// Seconds of a bucket.
    pub step: i64,
}

impl Plan<'_> {
    /// The chart; none if nothing was counted.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let sums: Vec<i64> = self.buckets.iter().map(|(_, counts)| counts.iter().sum()).collect();
        let most = sums.iter().copied().max().filter(|most| *most > 0)?;
        let peak = self.buckets.iter().zip(&sums).find(|(_, sum)| **sum == most);
        let peak = peak.map_or_else(String::new, |((at, _), _)| label(*at));
        let total: i64 = sums.iter().sum();
        Some(Chart {
            title: self.title.to_owned(),
            description: format!(
                "{} bars. {} in all; the most, {}, from {peak} UTC on.",
                self.buckets.len(),
                count(total),
                count(most)
            ),
            series: self.legend(),
            bars: self.bars(most),
            most: count(most),
            axis: self.axis(),
            rows: self.rows(),
        })
    }

    fn legend(&self) -> Vec<Series> {
        let total = |index: usize| self.buckets.iter().filter_map(|(_, counts)| counts.get(index)).sum();
        let series = self.series.iter().enumerate();
        series.map(|(index, (tone, label))| Series { tone, label, total: count(total(index)) }).collect()
    }

    fn bars(&self, most: i64) -> Vec<Bar> {
        let number = i64::try_from(self.buckets.len()).unwrap_or(i64::MAX).max(1);
        let edge = |index: i64| index * WIDTH / number;
        let bar = |(index, (at, counts)): (i64, &(DateTime<Utc>, Vec<i64>))| {
            let (x, reach) = (edge(index), edge(index + 1) - edge(index));
            Bar {
                title: self.told(*at, counts),
                x,
                width: (reach - 3).max(1),
                reach,
                parts: self.parts(counts, most),
            }
        };
        (0..).zip(self.buckets).map(bar).collect()
    }

    fn parts(&self, counts: &[i64], most: i64) -> Vec<Part> {
        let mut below = 0;
        let mut parts = Vec::new();
        for ((tone, _), counted) in self.series.iter().zip(counts).filter(|(_, counted)| **counted > 0) {
            // One among thousands is still to be seen.
            let height = (counted * HEIGHT / most).max(2);
            parts.push(Part { tone, y: (HEIGHT - below - height).max(0), height });
            below += height;
        }
        parts
    }

    fn told(&self, at: DateTime<Utc>, counts: &[i64]) -> String {
        let counts =
            self.series.iter().zip(counts).map(|((_, label), number)| format!("{label}: {}", count(*number)));
        format!("{} UTC\n{}", label(at), counts.collect::<Vec<_>>().join("\n"))
    }

    /// Five moments: where every fourth part of the bars begins, and where the last one does.
    fn axis(&self) -> Vec<String> {
        let number = self.buckets.len();
        let span = self.step * i64::try_from(number).unwrap_or(0);
        let format = if span > 2 * 86_400 { "%-d %b" } else { "%H:%M" };
        let places = (0..=4).map(|quarter| number.saturating_sub(1) * quarter / 4);
        let moments = places.filter_map(|place| self.buckets.get(place));
        moments.map(|(at, _)| at.format(format).to_string()).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(at, counts): &(DateTime<Utc>, Vec<i64>)| Row {
            from: label(*at),
            counts: counts.iter().map(|number| count(*number)).collect(),
        };
        self.buckets.iter().rev().map(row).collect()
    }
}

fn label(at: DateTime<Utc>) -> String {
    at.format("%-d %b %H:%M").to_string()
}
