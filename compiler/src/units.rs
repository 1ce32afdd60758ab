//! Durations as the language writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::text;

/// A length of time, in whole milliseconds, written `500ms`, `30s`, `10m`, `2h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Duration {
    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Its milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// `self * 2^doublings`, at most `ceiling`.
    pub fn doubled(self, doublings: u32, ceiling: Self) -> Self {
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        Self(self.0.saturating_mul(factor).min(ceiling.0))
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.0)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS
            .into_iter()
            .find(|(_, size)| self.0 != 0 && self.0.is_multiple_of(*size))
            .unwrap_or(("s", 1000));
        f.pad(&format!("{}{unit}", self.0 / size))
    }
}

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadDuration {
    /// What was probably meant, where that is clear.
    pub suggestion: Option<String>,
}

impl FromStr for Duration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let bad = || BadDuration { suggestion: suggest(number, unit) };
        let size = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(bad)?.1;
        let number: u64 = number.parse().map_err(|_| bad())?;
        number.checked_mul(size).map(Self).ok_or(BadDuration { suggestion: None })
    }
}

/// The unit that a writer of `unit` probably meant.
fn suggest(number: &str, unit: &str) -> Option<String> {
    let meant = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "sec" | "secs" | "second" | "seconds" | "s" => "s",
        "msec" | "millis" | "milliseconds" | "ms" => "ms",
        "min" | "mins" | "minute" | "minutes" | "m" => "m",
        "hr" | "hrs" | "hour" | "hours" | "h" => "h",
        "day" | "days" | "d" => "d",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}{meant}"))
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(text(|text: &str| text.parse().map_err(|_| format!("bad duration {text:?}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_written() {
        for text in ["500ms", "30s", "10m", "2h", "1d", "90m", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn near_misses_get_a_suggestion() {
        let suggestion = |text: &str| text.parse::<Duration>().unwrap_err().suggestion;
        assert_eq!(suggestion("10 min").as_deref(), Some("10m"));
        assert_eq!(suggestion("10").as_deref(), Some("10s"));
        assert_eq!(suggestion("ten"), None);
    }
}
