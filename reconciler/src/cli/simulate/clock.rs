//! The simulated clock of a script: hours and minutes, from a midnight on.

use windlass_core::sim::agenda::Tick;

/// The midnight that a script's times count from, in the simulator's milliseconds.
const MIDNIGHT: u64 = 22 * 3_600_000;

/// Reads `02:00`, `02:00:30`, `26:15` (two hours into the next day). None for anything else.
pub(super) fn parse(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut part = |most: u64, digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let good = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u64>().ok().filter(|number| good && *number <= most)
    };
    let (hours, minutes) = (part(99, 1..=2)?, part(59, 2..=2)?);
    let seconds = match text.matches(':').count() {
        1 => 0,
        2 => part(59, 2..=2)?,
        _ => return None,
    };
    Some(MIDNIGHT + ((hours * 60 + minutes) * 60 + seconds) * 1_000)
}

/// The time of day that a moment shows.
pub(super) fn show(at: Tick) -> String {
    at.time().strftime("%H:%M:%S").to_string()
}

/// The full time of a moment.
pub(super) fn full(at: Tick) -> String {
    at.time().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_as_they_are_written() {
        for (text, shown) in
            [("02:00", "02:00:00"), ("2:05", "02:05:00"), ("23:59:30", "23:59:30"), ("26:15", "02:15:00")]
        {
            assert_eq!(parse(text).map(|at| show(Tick(at))).as_deref(), Some(shown), "{text}");
        }
        for bad in ["", "2", "2:5", "02:60", "02:00:00:00", "noon", "-1:00", "100:00", "02:00:"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
