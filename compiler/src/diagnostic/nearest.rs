//! "did you mean": the known word that a misspelt one most likely was.

/// The candidate nearest to `word`: one that differs only in case or in `-`,
/// `_` and blanks, else the one at the smallest edit distance (neighbouring
/// letters swapped count as one) of at most a third of the word's length.
/// Ties go to the first candidate. None when nothing is near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = folded(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let folded = folded(candidate);
        if folded == wanted {
            return Some(candidate);
        }
        // Words of up to two letters are all near each other; only case helps there.
        if wanted.chars().count() <= 2
            || folded.chars().count().abs_diff(wanted.chars().count()) > allowed
        {
            continue;
        }
        let distance = distance(&wanted, &folded);
        if distance <= allowed && best.is_none_or(|(known, _)| distance < known) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A help sentence: the near candidate, else the known ones (at most 8).
/// `what` is their plural noun, for example `models`.
pub fn did_you_mean(word: &str, candidates: &[&str], what: &str) -> String {
    if let Some(near) = nearest(word, candidates.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    const SHOWN: usize = 8;
    let list: Vec<String> = candidates
        .iter()
        .take(SHOWN)
        .map(|known| format!("`{known}`"))
        .collect();
    match candidates.len() {
        0 => format!("declare one first; there are no {what}"),
        n if n > SHOWN => format!(
            "use one of the {n} known {what}, such as {}",
            list.join(", ")
        ),
        _ => format!("use one of the known {what}: {}", list.join(", ")),
    }
}

fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .take(64)
        .collect()
}

/// Optimal string alignment distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["default", "think", "longContext", "background"];
        assert_eq!(nearest("defualt", known), Some("default"));
        assert_eq!(nearest("long_context", known), Some("longContext"));
        assert_eq!(nearest("thnik", known), Some("think"));
        assert_eq!(nearest("nothing", known), None);
    }

    #[test]
    fn help_lists_the_known_when_nothing_is_near() {
        assert_eq!(
            did_you_mean("x", &["sonnet", "opus"], "models"),
            "use one of the known models: `sonnet`, `opus`"
        );
        assert_eq!(
            did_you_mean("x", &[], "models"),
            "declare one first; there are no models"
        );
    }
}
