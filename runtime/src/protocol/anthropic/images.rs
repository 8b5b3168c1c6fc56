//! Images, of which this protocol takes four types.

use super::super::json::{Object, Text};
use super::super::neutral::{Detail, Dropped, Source};
use super::files;

/// Types of images, in all their spellings, and as this protocol spells them.
const TYPES: [(&str, &str); 7] = [
    ("image/gif", "image/gif"),
    ("image/jpeg", "image/jpeg"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/png", "image/png"),
    ("image/webp", "image/webp"),
    ("image/x-png", "image/png"),
];

/// The block of an image. One of a type that is not taken is a file like others.
pub(super) fn image<'a>(
    from: Source<'a>,
    detail: Option<Detail>,
    dropped: &mut Dropped,
) -> Object<'a> {
    if detail.is_some() {
        dropped.note("content.detail");
    }
    match source(&from) {
        Some(source) => Object::of_type("image").with("source", source),
        None => files::document(from, None, dropped),
    }
}

fn source<'a>(from: &Source<'a>) -> Option<Object<'a>> {
    match from {
        Source::Url(url) if files::inside(&url.plain()).is_some() => None,
        Source::Url(url) => Some(Object::of_type("url").with("url", url.clone())),
        Source::Base64(media, data) => {
            let source = Object::of_type("base64").with("media_type", spelt(media)?);
            Some(source.with("data", data.clone()))
        }
    }
}

fn spelt(media: &Text<'_>) -> Option<&'static str> {
    let media = media.plain();
    let mut types = TYPES.iter();
    let found = types.find(|(known, _)| media.trim().eq_ignore_ascii_case(known));
    found.map(|(_, spelt)| *spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &'static str) -> (String, String) {
        let mut dropped = Dropped::default();
        let block = image(Source::from_url(url.into()), None, &mut dropped);
        (block.written(), dropped.words())
    }

    #[test]
    fn a_type_is_spelt_as_it_is_taken() {
        for (media, spelt) in [
            ("data:image/jpg;base64,AAAA", "image/jpeg"),
            ("data:image/pjpeg;base64,AAAA", "image/jpeg"),
            ("data:image/JPEG;base64,AAAA", "image/jpeg"),
            ("data:image/x-png;base64,AAAA", "image/png"),
            ("data:image/webp;base64,AAAA", "image/webp"),
            ("DATA:image/png;charset=x;BASE64,AAAA", "image/png"),
        ] {
            let block = format!(
                r#"{{"type":"image","source":{{"type":"base64","media_type":"{spelt}","data":"AAAA"}}}}"#
            );
            assert_eq!(told(media), (block, String::new()), "{media}");
        }
    }

    #[test]
    fn an_image_of_another_type_is_a_file() {
        for (url, block, dropped) in [
            (
                "data:image/bmp;base64,Qk3/",
                r#"{"type":"text","text":"[file left out: image/bmp]"}"#,
                "content.file",
            ),
            (
                "data:image/svg+xml;base64,PHN2Zy8+",
                r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"<svg/>"}}"#,
                "",
            ),
            (
                "data:image/svg+xml,%3Csvg/%3E",
                r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"<svg/>"}}"#,
                "",
            ),
            (
                "data:application/pdf;base64,JVBERi0xLjE=",
                r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjE="}}"#,
                "",
            ),
            (
                "https://images.example/a.bmp",
                r#"{"type":"image","source":{"type":"url","url":"https://images.example/a.bmp"}}"#,
                "",
            ),
        ] {
            assert_eq!(told(url), (block.to_owned(), dropped.to_owned()), "{url}");
        }
    }
}
