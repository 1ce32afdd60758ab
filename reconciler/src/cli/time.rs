//! Times and durations as people read them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The two units of a shown duration, in seconds.
const UNITS: [(i64, &str, i64, &str); 3] =
    [(86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")];

/// A length of time in at most two units: `42s`, `3m10s`, `2h5m`, `6d`. Less than a second is `0s`.
pub fn age(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let Some((large, large_unit, small, small_unit)) = UNITS.into_iter().find(|unit| seconds >= unit.0)
    else {
        return format!("{seconds}s");
    };
    match (seconds / large, seconds % large / small) {
        (whole, 0) => format!("{whole}{large_unit}"),
        (whole, rest) => format!("{whole}{large_unit}{rest}{small_unit}"),
    }
}

/// How long ago `then` was: `3m10s ago`; `just now` within two seconds, `in 5m` for what is to come.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(then);
    match passed.as_secs() {
        -1..=1 => "just now".to_owned(),
        seconds if seconds < 0 => format!("in {}", age(-passed)),
        _ => format!("{} ago", age(passed)),
    }
}

/// The time of day, for lines that are read as they come: `02:00:07`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Day and time, in UTC, for lines that are read later: `2026-11-22T02:00:07Z`.
pub fn full(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_at_most_two_units() {
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (190, "3m10s"),
            (3_600, "1h"),
            (7_530, "2h5m"),
            (86_400, "1d"),
            (6 * 86_400 + 3_700, "6d1h"),
        ] {
            assert_eq!(age(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_time_is_seen_from_now() {
        let now: Timestamp = "2026-11-22T02:00:07Z".parse().unwrap();
        for (then, text) in [
            ("2026-11-22T02:00:06Z", "just now"),
            ("2026-11-22T01:57:00Z", "3m7s ago"),
            ("2026-11-22T02:05:07Z", "in 5m"),
        ] {
            assert_eq!(ago(then.parse().unwrap(), now), text);
        }
        assert_eq!(clock(now, &TimeZone::UTC), "02:00:07");
        assert_eq!(full(now), "2026-11-22T02:00:07Z");
    }
}
