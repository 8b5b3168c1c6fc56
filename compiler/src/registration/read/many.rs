//! Lists, and maps whose names are the user's.

use super::{Fields, Reader, join};
use crate::registration::key::Key;
use crate::registration::path::Path;
use crate::source::Spanned;
use crate::tree::{Node, Value};

impl Reader<'_> {
    /// The items of a list, each with its path.
    pub(in crate::registration) fn items<'t, 's>(
        &mut self,
        fields: &Fields<'t, 's>,
        name: &str,
        inside: &str,
    ) -> &'t [Node<'s>] {
        let Some(node) = fields.get(name) else {
            return &[];
        };
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.wrong_type(node, &Path { inside, name }, "a list");
                self.whole = false;
                &[]
            }
        }
    }

    /// The items of a list of maps that are maps, each with its position. Others are reported.
    pub(in crate::registration) fn maps<'t, 's>(
        &mut self,
        fields: &Fields<'t, 's>,
        name: &str,
        inside: &str,
        keys: &'static [Key],
    ) -> Vec<(usize, Fields<'t, 's>)> {
        let mut maps = Vec::new();
        for (at, item) in self.items(fields, name, inside).iter().enumerate() {
            let path = format!("{}[{at}]", join(inside, name));
            match self.fields(item, keys, &path) {
                Some(fields) => maps.push((at, fields)),
                None if matches!(item.value, Value::Null) => self.empty_item(item, &path),
                None => {}
            }
        }
        maps
    }

    /// The items of a list of texts as written; blank ones are left out. One text
    /// alone is a list of one.
    pub(in crate::registration) fn texts(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Vec<Spanned<String>> {
        let Some(node) = fields.get(name) else {
            return Vec::new();
        };
        let alone = std::slice::from_ref(node);
        let items = match &node.value {
            Value::Scalar(_) => alone,
            _ => self.items(fields, name, inside),
        };
        let mut texts = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match &item.value {
                Value::Scalar(scalar) if scalar.text.trim().is_empty() => {}
                Value::Scalar(scalar) => {
                    texts.push(Spanned::new(scalar.text.clone().into_owned(), item.span));
                }
                Value::Null => {}
                Value::Broken => self.gap(&join(inside, name)),
                Value::List(_) | Value::Map(_) => {
                    self.wrong_type(item, &format!("{}[{at}]", join(inside, name)), "a text");
                }
            }
        }
        texts
    }

    /// The texts of a map whose names are the user's, in the order written.
    pub(in crate::registration) fn named_texts(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Vec<(Spanned<String>, Spanned<String>)> {
        let Some(node) = fields.get(name) else {
            return Vec::new();
        };
        let path = join(inside, name);
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, &path, "a map");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for entry in entries {
            let key = Spanned::new(entry.key.value.clone().into_owned(), entry.key.span);
            match &entry.value.value {
                Value::Scalar(scalar) => {
                    let text = scalar.text.trim().to_owned();
                    texts.push((key, Spanned::new(text, entry.value.span)));
                }
                Value::Null | Value::Broken => {}
                Value::List(_) | Value::Map(_) => {
                    self.wrong_type(&entry.value, &join(&path, &key.value), "a text");
                }
            }
        }
        texts
    }
}
