//! Numbers.

use std::fmt::Display;

use super::{Fields, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::registration::key::Takes;
use crate::registration::path::Path;
use crate::source::{Span, Spanned};

impl Reader<'_> {
    /// A whole number within the range of its key.
    pub(in crate::registration) fn integer(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Option<Spanned<i64>> {
        let node = fields.get(name)?;
        let range = match fields.takes(name) {
            Takes::Integer(from, to) => from..=to,
            _ => i64::MIN..=i64::MAX,
        };
        let path = Path { inside, name };
        let scalar = self.scalar(node, &path, "a whole number")?;
        let number = decimal(&scalar.text).and_then(|text| text.parse::<i128>().ok());
        let Some(number) = number.filter(|_| !scalar.quoted) else {
            self.not_plain(node, scalar, &path, "a whole number", number.is_some());
            return None;
        };
        match i64::try_from(number)
            .ok()
            .filter(|number| range.contains(number))
        {
            Some(number) => Some(Spanned::new(number, node.span)),
            None => {
                let allowed = allowed(&range);
                self.out_of_range(node.span, &path, &number.to_string(), &allowed);
                None
            }
        }
    }

    /// A finite number of at least zero; for a ratio, of at most one.
    pub(in crate::registration) fn amount(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Option<Spanned<f64>> {
        let node = fields.get(name)?;
        let path = Path { inside, name };
        let scalar = self.scalar(node, &path, "a number")?;
        let plain = scalar
            .text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
        let number = scalar.text.parse::<f64>().ok().filter(|_| plain);
        let Some(number) = number.filter(|_| !scalar.quoted) else {
            self.not_plain(node, scalar, &path, "a number", number.is_some());
            return None;
        };
        let (most, allowed) = match fields.takes(name) {
            Takes::Ratio => (1.0, "0 to 1"),
            _ => (f64::MAX, "0 or more"),
        };
        if !(0.0..=most).contains(&number) {
            self.out_of_range(node.span, &path, &scalar.text, allowed);
            return None;
        }
        // -0.0 and 0.0 are the same price and must give the same plan.
        Some(Spanned::new(number + 0.0, node.span))
    }

    fn out_of_range(&mut self, span: Span, path: &impl Display, found: &str, allowed: &str) {
        self.gap(path);
        self.problems.push(
            Diagnostic::new(
                Code::DocumentOutOfRange,
                format!("`{path}` cannot be {found}"),
            )
            .at(span, format!("takes {allowed}"))
            .help(format!("write a number of {allowed}")),
        );
    }
}

/// A decimal whole number as every reader understands it: no leading zero.
fn decimal(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        !digits.is_empty() && digits.len() <= 30 && digits.chars().all(|c| c.is_ascii_digit());
    (plain && (digits.len() == 1 || !digits.starts_with('0'))).then_some(text)
}

fn allowed(range: &std::ops::RangeInclusive<i64>) -> String {
    match (*range.start(), *range.end()) {
        // All that `i64` holds; only a number of twenty digits is told.
        (i64::MIN, i64::MAX) => "at most 18 digits".to_owned(),
        (start, i64::MAX) => format!("{start} or more"),
        (start, end) => format!("{start} to {end}"),
    }
}
