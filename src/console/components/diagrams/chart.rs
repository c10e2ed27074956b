//! Stacked bar chart over time, laid out on the server in units of the SVG view box.
//!
//! Data only; `templates/components/chart.html` renders it.

use chrono::{DateTime, Utc};

use crate::console::components::format::{count, counted};
use crate::console::components::timestamp::{day, minute};

/// Width and height of the view box.
const WIDTH: i64 = 1_000;
const HEIGHT: i64 = 120;

/// A chart of stacked bars.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What the chart counts.
    pub title: String,
    /// Text alternative for screen readers.
    pub description: String,
    /// The layers, from the bottom up.
    pub series: Vec<Series>,
    /// The bars, from left to right.
    pub bars: Vec<Bar>,
    /// Count of the highest bar.
    pub most: String,
    /// Evenly spaced time labels below the bars.
    pub axis: Vec<String>,
    /// The same data as table rows.
    pub rows: Vec<Row>,
}

/// One layer of the bars.
#[derive(Debug, Clone)]
pub struct Series {
    /// CSS class: `first`, `fallback` or `bad`.
    pub tone: &'static str,
    /// Name in the legend.
    pub label: &'static str,
    /// Sum over all bars.
    pub total: String,
}

/// One bar of the chart.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Text of the tooltip.
    pub title: String,
    /// Left edge in the view box.
    pub x: i64,
    /// Width of the bar.
    pub width: i64,
    /// Width of the bar including the gap after it.
    pub reach: i64,
    /// The layers that are not empty.
    pub parts: Vec<Part>,
}

/// One layer of one bar.
#[derive(Debug, Clone)]
pub struct Part {
    /// CSS class, as in its series.
    pub tone: &'static str,
    /// Upper edge in the view box.
    pub y: i64,
    /// Height of the layer.
    pub height: i64,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Start of the bucket.
    pub from: String,
    /// One count per series.
    pub counts: Vec<String>,
}

/// Input of a chart: buckets of equal length, each with one count per series.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What the chart counts.
    pub title: &'a str,
    /// CSS class and label of each series.
    pub series: &'a [(&'static str, &'static str)],
    /// Start and counts of each bucket.
    pub buckets: &'a [(DateTime<Utc>, Vec<i64>)],
    /// Length of a bucket, in seconds.
    pub step: i64,
}

impl Plan<'_> {
    /// Lays out the chart; `None` if every count is zero.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let sums: Vec<i64> = self.buckets.iter().map(|(_, counts)| counts.iter().sum()).collect();
        let most = sums.iter().copied().max().filter(|most| *most > 0)?;
        let peak = self.buckets.iter().zip(&sums).find(|(_, sum)| **sum == most);
        let peak = peak.map_or_else(String::new, |((at, _), _)| minute(*at));
        let total: i64 = sums.iter().sum();
        Some(Chart {
            title: self.title.to_owned(),
            description: format!(
                "{}. {} in total. The highest bar has {} and starts at {peak} UTC.",
                counted(self.buckets.len(), "bar", "bars"),
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
                title: self.describe(*at, counts),
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
            // A nonzero count stays visible, however small it is.
            let height = (counted * HEIGHT / most).max(2);
            parts.push(Part { tone, y: (HEIGHT - below - height).max(0), height });
            below += height;
        }
        parts
    }

    fn describe(&self, at: DateTime<Utc>, counts: &[i64]) -> String {
        let counts =
            self.series.iter().zip(counts).map(|((_, label), number)| format!("{label}: {}", count(*number)));
        format!("{} UTC\n{}", minute(at), counts.collect::<Vec<_>>().join("\n"))
    }

    /// Five labels: the start of each quarter of the bars, and the start of the last bar.
    fn axis(&self) -> Vec<String> {
        let number = self.buckets.len();
        let span = self.step * i64::try_from(number).unwrap_or(0);
        let label = |at: DateTime<Utc>| {
            if span > 2 * 86_400 { day(at) } else { at.format("%H:%M").to_string() }
        };
        let places = (0..=4).map(|quarter| number.saturating_sub(1) * quarter / 4);
        let moments = places.filter_map(|place| self.buckets.get(place));
        moments.map(|(at, _)| label(*at)).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(at, counts): &(DateTime<Utc>, Vec<i64>)| Row {
            from: minute(*at),
            counts: counts.iter().map(|number| count(*number)).collect(),
        };
        self.buckets.iter().rev().map(row).collect()
    }
}
