//! Literals that a regular expression cannot match without.

use regex_syntax::ast::{self, Ast, GroupKind, RepetitionKind, RepetitionRange};

/// Shorter literals occur in almost every text and spare nothing.
const SHORTEST: usize = 3;
/// More alternatives than this are not followed.
const MOST: usize = 32;

/// Texts in lower-case ASCII of which at least one occurs, in any case, in
/// whatever the expression matches; none where no such texts are known.
pub(super) fn required(pattern: &str) -> Option<Vec<String>> {
    let ast = ast::parse::Parser::new().parse(pattern).ok()?;
    let literals = of(&ast)?;
    let usable = !literals.is_empty()
        && literals.len() <= MOST
        && literals.iter().all(|literal| literal.len() >= SHORTEST);
    usable.then_some(literals)
}

/// The best set of literals for a part of an expression.
fn of(ast: &Ast) -> Option<Vec<String>> {
    match ast {
        Ast::Literal(literal) => letter(literal.c).map(|c| vec![c.to_string()]),
        Ast::Group(group) => match &group.kind {
            // Flags inside may change what white space and letters mean.
            GroupKind::NonCapturing(flags) if !flags.items.is_empty() => None,
            _ => of(&group.ast),
        },
        Ast::Repetition(repetition) => {
            let at_least_once = match &repetition.op.kind {
                RepetitionKind::OneOrMore => true,
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => false,
                RepetitionKind::Range(range) => match range {
                    RepetitionRange::Exactly(count)
                    | RepetitionRange::AtLeast(count)
                    | RepetitionRange::Bounded(count, _) => *count > 0,
                },
            };
            at_least_once.then(|| of(&repetition.ast)).flatten()
        }
        Ast::Alternation(alternation) => {
            let mut all = Vec::new();
            for ast in &alternation.asts {
                all.extend(of(ast)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        Ast::Concat(concat) => concatenated(&concat.asts),
        // Flags hold for what follows, such as `(?x)`, where blanks mean nothing.
        Ast::Flags(_)
        | Ast::Empty(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => None,
    }
}

/// Runs of letters, and sets of parts; the one whose shortest text is longest.
fn concatenated(asts: &[Ast]) -> Option<Vec<String>> {
    if asts.iter().any(|ast| matches!(ast, Ast::Flags(_))) {
        return None;
    }
    let mut best: Option<Vec<String>> = None;
    let mut run = String::new();
    let mut keep = |set: Vec<String>| {
        let shortest = |set: &Vec<String>| set.iter().map(String::len).min().unwrap_or(0);
        if best
            .as_ref()
            .is_none_or(|best| shortest(best) < shortest(&set))
        {
            best = Some(set);
        }
    };
    for ast in asts {
        if let Ast::Literal(literal) = ast
            && let Some(c) = letter(literal.c)
        {
            run.push(c);
            continue;
        }
        if !run.is_empty() {
            keep(vec![std::mem::take(&mut run)]);
        }
        if let Some(set) = of(ast) {
            keep(set);
        }
    }
    if !run.is_empty() {
        keep(vec![run]);
    }
    best
}

/// A character whose every form is found in a folded text.
fn letter(c: char) -> Option<char> {
    c.is_ascii().then(|| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::required;

    #[test]
    fn the_longest_part_that_must_be_there_is_taken() {
        let cases: [(&str, Option<&[&str]>); 12] = [
            ("refactor .* module", Some(&["refactor "])),
            (r"\bfix\s+tests?\b", Some(&["test"])),
            ("(poem|Haiku)s?", Some(&["poem", "haiku"])),
            ("a|bcd", None),
            ("(abc)?def", Some(&["def"])),
            ("(?:abc)+", Some(&["abc"])),
            ("x{0,3}abc", Some(&["abc"])),
            (r"\d+", None),
            ("(?i)abc", None),
            ("(?x: a b c )", None),
            ("über", Some(&["ber"])),
            ("", None),
        ];
        for (pattern, wanted) in cases {
            let wanted = wanted.map(|texts| texts.iter().map(ToString::to_string).collect());
            assert_eq!(required(pattern), wanted, "{pattern}");
        }
    }
}
