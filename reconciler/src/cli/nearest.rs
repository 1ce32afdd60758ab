//! What was probably meant.

/// The candidate that is most like `wanted`, the first of several, if one is like it at all.
pub fn nearest<T: AsRef<str>>(wanted: &str, candidates: impl IntoIterator<Item = T>) -> Option<String> {
    let tolerance = (wanted.chars().count() / 3).max(1);
    let distance = |candidate: T| (strsim::osa_distance(wanted, candidate.as_ref()), candidate);
    let near = candidates.into_iter().map(distance).filter(|(distance, _)| *distance <= tolerance);
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_is_alike_is_proposed() {
        let candidates = ["validate", "plan", "apply"];
        assert_eq!(nearest("vaildate", candidates).as_deref(), Some("validate"));
        assert_eq!(nearest("pln", candidates).as_deref(), Some("plan"));
        assert_eq!(nearest("destroy", candidates), None);
    }
}
