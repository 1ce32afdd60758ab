//! The near miss: what was probably meant.

/// The candidate nearest to what is written, if one is near enough. The first of equals wins.
pub(crate) fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Comparing with very long texts costs much and suggests nothing.
    if written.len() > 100 {
        return None;
    }
    let folded = written.to_lowercase().replace('_', "-");
    let length = folded.chars().count();
    let close = |candidate: &'c str| {
        let allowed = match length {
            ..2 => 0,
            // A letter that is missing leaves two of three; of two letters nothing may be wrong.
            2 => usize::from(candidate.chars().count() == 3),
            length => (length / 3).min(4),
        };
        let lengths = candidate.len().abs_diff(written.len()) <= allowed;
        let distance =
            lengths.then(|| strsim::osa_distance(&folded, &candidate.replace('_', "-").to_lowercase()))?;
        (distance <= allowed && candidate != written).then_some((distance, candidate))
    };
    let mut best: Option<(usize, &str)> = None;
    for (distance, candidate) in candidates.into_iter().filter_map(close) {
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_wins_and_far_ones_lose() {
        assert_eq!(nearest("paralelism", ["priority", "parallelism"]), Some("parallelism"));
        assert_eq!(nearest("only-in", ["only_in"]), Some("only_in"));
        assert_eq!(nearest("timeout", ["mode", "after"]), None);
        assert_eq!(nearest("fe", ["poll", "fee"]), Some("fee"));
        assert_eq!(nearest("fe", ["ef", "fa", "abc"]), None);
    }
}
