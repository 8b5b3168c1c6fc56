//! "did you mean": the known word that a misspelt one most likely was.

/// The candidate nearest to `word`: one that differs only in case or in `-`,
/// `_` and blanks, else the one at the smallest edit distance (neighbouring
/// letters swapped count as one) of at most a third of the word's length.
/// Ties go to the first candidate. None when nothing is near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let (mut wanted, mut known) = (Vec::new(), Vec::new());
    fold(word, &mut wanted);
    let mut allowed = (wanted.len() / 3).max(1);
    let mut best = None;
    for candidate in candidates {
        fold(candidate, &mut known);
        if known == wanted {
            return Some(candidate);
        }
        // Words of up to two letters are all near each other; only case helps there.
        if wanted.len() <= 2 || known.len().abs_diff(wanted.len()) > allowed {
            continue;
        }
        if let Some(distance) = distance(&wanted, &known, allowed) {
            best = Some(candidate);
            // The next one must be nearer still.
            allowed = distance.saturating_sub(1);
        }
    }
    best
}

/// The same for the name of a model, which people write in full or cut short: where nothing
/// is near, the longest candidate that is a part of `word`, or that `word` is a part of.
pub(crate) fn nearest_name<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    /// Letters of a part that tells something.
    const PART: usize = 3;
    let inside = || {
        let (mut wanted, mut known) = (Vec::new(), Vec::new());
        fold(word, &mut wanted);
        let mut best: Option<(usize, &'c str)> = None;
        for candidate in candidates {
            fold(candidate, &mut known);
            let (part, whole) = match known.len() <= wanted.len() {
                true => (&known, &wanted),
                false => (&wanted, &known),
            };
            let is_longer = best.is_none_or(|(length, _)| length < part.len());
            if part.len() >= PART
                && is_longer
                && whole.windows(part.len()).any(|here| here == &part[..])
            {
                best = Some((part.len(), candidate));
            }
        }
        Some(best?.1)
    };
    nearest(word, candidates.iter().copied()).or_else(inside)
}

/// A help sentence: the near candidate, else the known ones (at most 8).
/// `what` is their plural noun, for example `models`.
pub fn did_you_mean(word: &str, candidates: &[&str], what: &str) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => one_of(candidates, what),
    }
}

/// A help sentence: the known words (at most 8), whose plural noun is `what`.
pub(crate) fn one_of(candidates: &[&str], what: &str) -> String {
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

/// Letters of a word that are compared.
const LETTERS: usize = 64;

/// The letters of a word, without case and without what joins words.
fn fold(word: &str, into: &mut Vec<char>) {
    into.clear();
    let letters = word.chars().filter(|c| !matches!(c, '-' | '_' | ' '));
    into.extend(letters.flat_map(char::to_lowercase).take(LETTERS));
}

/// Optimal string alignment distance, in characters, if it is at most `most`.
/// Only cells of the table that can lie on so short a way are filled in.
fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    const FAR: u8 = u8::MAX / 2;
    let mut before = [FAR; LETTERS + 1];
    let mut last: [u8; LETTERS + 1] = std::array::from_fn(cost);
    let mut least = 0;
    for i in 1..=a.len() {
        let mut row = [FAR; LETTERS + 1];
        row[0] = cost(i);
        let mut least_here = row[0];
        for j in i.saturating_sub(most).max(1)..=b.len().min(i + most) {
            let changed = last[j - 1] + u8::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
            least_here = least_here.min(row[j]);
        }
        // A way leads through this row, or past it from the one before.
        if usize::from(least_here.min(least)) > most {
            return None;
        }
        least = least_here;
        before = std::mem::replace(&mut last, row);
    }
    Some(usize::from(last[b.len()])).filter(|distance| *distance <= most)
}

/// A number of letters, of which there are few.
fn cost(letters: usize) -> u8 {
    u8::try_from(letters).unwrap_or(u8::MAX / 2)
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
    fn a_name_is_known_by_a_part_of_it() {
        let known = ["fast", "sonnet", "sonnet-4", "anthropic/claude-x", "m"];
        for (word, near) in [
            ("claude-sonnet-4-5-20250929", Some("sonnet-4")),
            ("claude-sonnet", Some("sonnet")),
            ("Claude_X", Some("anthropic/claude-x")),
            ("sonet", Some("sonnet")),
            ("gemini", None),
            ("", None),
            ("a", None),
        ] {
            assert_eq!(nearest_name(word, &known), near, "{word}");
        }
    }

    #[test]
    fn distances_are_told_up_to_a_limit() {
        for (a, b, wanted) in [
            ("sonnet", "sonnet", 0),
            ("sonet", "sonnet", 1),
            ("osnnet", "sonnet", 1),
            ("abcdef", "badcfe", 3),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abcdefgh", "stuvwxyz", 8),
        ] {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            fold(a, &mut one);
            fold(b, &mut other);
            for most in 0..10 {
                let told = (most >= wanted).then_some(wanted);
                assert_eq!(distance(&one, &other, most), told, "{a} {b} {most}");
                assert_eq!(distance(&other, &one, most), told, "{b} {a} {most}");
            }
        }
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
