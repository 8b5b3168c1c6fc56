//! Files, of which this protocol takes PDF, and text as text.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use super::super::json::{Object, Text};
use super::super::neutral::{Dropped, Source};

const PDF: &str = "application/pdf";

/// Takes base64 of all clients, also where nothing fills it up at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The block of a file. In place of one that is neither PDF nor text stands its name.
pub(super) fn document<'a>(
    from: Source<'a>,
    title: Option<Text<'a>>,
    dropped: &mut Dropped,
) -> Object<'a> {
    match source(from) {
        Ok(source) => Object::of_type("document")
            .with("source", source)
            .with_some("title", title),
        Err(media) => {
            dropped.note("content.file");
            let about = title.into_iter().chain([media]);
            let about: Vec<Text<'a>> = about.filter(|text| !text.is_blank()).collect();
            let about = Text::joined(&about, ", ");
            let note = ["[file left out: ".into(), about, "]".into()];
            Object::of_type("text").with("text", Text::joined(&note, ""))
        }
    }
}

/// The source of a file, or the type of one that is not taken.
fn source<'a>(from: Source<'a>) -> Result<Object<'a>, Text<'a>> {
    let url = match from {
        Source::Base64(media, data) => return in_base64(media, data),
        Source::Url(url) => url,
    };
    let plain = url.plain();
    let Some((head, data)) = inside(&plain) else {
        return Ok(Object::of_type("url").with("url", url.clone()));
    };
    let (media, rest) = head.split_once(';').unwrap_or((head, ""));
    let media = match media.trim() {
        "" => "text/plain".into(),
        media => Text::from_string(media.to_owned()),
    };
    let is_base64 = |word: &str| word.trim().eq_ignore_ascii_case("base64");
    if rest.split(';').any(is_base64) {
        return in_base64(media, Text::from_plain(data).into_owned());
    }
    match text(percent_decode_str(data).collect(), &media) {
        Some(text) => Ok(as_text(text)),
        None => Err(media),
    }
}

/// What stands before and behind the comma of a `data:` URL.
pub(super) fn inside(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_data = scheme.trim().eq_ignore_ascii_case("data");
    is_data.then(|| rest.split_once(',')).flatten()
}

fn in_base64<'a>(media: Text<'a>, data: Text<'a>) -> Result<Object<'a>, Text<'a>> {
    let is_pdf = media.plain().trim().eq_ignore_ascii_case(PDF);
    if is_pdf && is_standard(&data) {
        return Ok(as_pdf(data));
    }
    let Ok(bytes) = BASE64.decode(unbroken(&data)) else {
        return Err(media);
    };
    if is_pdf || bytes.starts_with(b"%PDF-") {
        return Ok(as_pdf(Text::from_string(BASE64.encode(&bytes))));
    }
    match text(bytes, &media) {
        Some(text) => Ok(as_text(text)),
        None => Err(media),
    }
}

/// Whether base64 is written as this protocol takes it.
fn is_standard(data: &Text<'_>) -> bool {
    let data = data.written();
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    data.len().is_multiple_of(4) && data.trim_end_matches('=').bytes().all(is_known)
}

/// Base64 in one line and in the alphabet that is decoded.
fn unbroken(data: &Text<'_>) -> String {
    let plain = data.plain();
    // In a URL, signs may be written so.
    let plain = percent_decode_str(&plain).decode_utf8_lossy();
    let chars = plain.chars().filter(|c| !c.is_ascii_whitespace());
    chars
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect()
}

fn as_pdf(data: Text<'_>) -> Object<'_> {
    Object::of_type("base64")
        .with("media_type", PDF)
        .with("data", data)
}

fn as_text(text: Text<'_>) -> Object<'_> {
    Object::of_type("text")
        .with("media_type", "text/plain")
        .with("data", text)
}

/// The text that these bytes are, if they are text. A type of text is believed, and what
/// is no UTF-8 there is taken for Latin-1.
fn text(bytes: Vec<u8>, media: &Text<'_>) -> Option<Text<'static>> {
    let media = media.plain();
    let is_text = media
        .trim()
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    let text = match &*bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0, _, ..] if is_text => utf16(&bytes, u16::from_be_bytes),
        [_, 0, ..] if is_text => utf16(&bytes, u16::from_le_bytes),
        _ => match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(other) if is_text => {
                Some(other.as_bytes().iter().copied().map(char::from).collect())
            }
            Err(_) => None,
        },
    };
    let text = text.filter(|text| !text.contains('\0'))?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Some(Text::from_string(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks();
    let units = pairs.iter().copied().map(unit);
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [(&str, &[u8], Option<&str>); 14] = [
        ("text/plain", b"T\xc3\xb6ne", Some("Töne")),
        ("text/plain", b"\xef\xbb\xbfT\xc3\xb6ne", Some("Töne")),
        ("text/plain", b"T\xf6ne", Some("Töne")),
        ("TEXT/csv", b"T\xf6ne", Some("Töne")),
        ("text/plain", b"\xff\xfeT\0\xf6\0", Some("Tö")),
        ("text/plain", b"\xfe\xff\0T\0\xf6", Some("Tö")),
        ("text/plain", b"T\0\xf6\0", Some("Tö")),
        ("text/plain", b"\0T\0\xf6", Some("Tö")),
        ("text/plain", b"", Some("")),
        ("application/json", b"\xef\xbb\xbf{}", Some("{}")),
        ("application/json", b"\"T\xf6ne\"", None),
        ("application/octet-stream", b"\xff\xfeT\0\x00\xd8", None),
        ("application/zip", b"PK\x03\x04\0\0", None),
        ("", b"T\xf6ne", None),
    ];

    fn told(from: Source<'static>) -> (String, String) {
        let mut dropped = Dropped::default();
        let block = document(from, Some("a.b".into()), &mut dropped);
        (block.written(), dropped.words())
    }

    fn as_text_block(text: &str) -> String {
        let source = as_text(Text::from_string(text.to_owned()));
        let block = Object::of_type("document").with("source", source);
        block.with("title", "a.b").written()
    }

    #[test]
    fn bytes_that_are_text_are_given_as_text() {
        for (media, bytes, expected) in BYTES {
            let data = Text::from_string(BASE64.encode(bytes));
            let (block, dropped) = told(Source::Base64(media.into(), data));
            let left_out = match media {
                "" => "[file left out: a.b]".to_owned(),
                media => format!("[file left out: a.b, {media}]"),
            };
            let (expected, name) = match expected {
                Some(text) => (as_text_block(text), ""),
                None => {
                    let note = Object::of_type("text").with("text", Text::from_string(left_out));
                    (note.written(), "content.file")
                }
            };
            assert_eq!((block, &*dropped), (expected, name), "{media} {bytes:?}");
        }
    }

    #[test]
    fn base64_is_read_in_all_its_forms() {
        let bytes = "¿Qué? ~~~>>> ÿÿÿ";
        let whole = BASE64.encode(bytes);
        let mut broken = whole.clone();
        broken.insert_str(8, "\r\n");
        for data in [
            whole.replace('=', ""),
            whole.replace('+', "-").replace('/', "_"),
            broken,
            format!("{whole}\n"),
            whole.replace('=', "%3D").replace('+', "%2B"),
        ] {
            let (block, _) = told(Source::Base64("text/plain".into(), Text::from_string(data)));
            assert_eq!(block, as_text_block(bytes));
        }
        let (block, dropped) = told(Source::Base64("text/plain".into(), "no base64!".into()));
        assert_eq!(
            block,
            r#"{"type":"text","text":"[file left out: a.b, text/plain]"}"#
        );
        assert_eq!(dropped, "content.file");
    }

    #[test]
    fn pdf_is_known_by_its_type_and_by_its_bytes() {
        let expected = r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjE="},"title":"a.b"}"#;
        for (media, data) in [
            (PDF, "JVBERi0xLjE="),
            ("application/PDF", "JVBERi0xLjE="),
            ("application/pdf", "JVBE\nRi0x\nLjE"),
            ("application/octet-stream", "JVBERi0xLjE"),
        ] {
            let (block, dropped) = told(Source::Base64(media.into(), data.into()));
            assert_eq!((&*block, &*dropped), (expected, ""), "{media} {data}");
        }
        let (block, _) = told(Source::Url(
            "data:application/pdf;BASE64,JVBERi0xLjE=".into(),
        ));
        assert_eq!(block, expected);
    }

    #[test]
    fn what_stands_in_a_url_is_no_address() {
        for (url, text) in [
            ("data:text/plain,hello%20x", "hello x"),
            ("DATA:text/plain;charset=iso-8859-1,T%F6ne", "Töne"),
            ("data:,a,b", "a,b"),
            ("data:text/plain;charset=utf-8; BASE64,VMO2bmU", "Töne"),
        ] {
            let (block, dropped) = told(Source::Url(url.into()));
            assert_eq!((block, &*dropped), (as_text_block(text), ""), "{url}");
        }
        let (block, dropped) = told(Source::Url("data:application/zip,PK%03%04%FF".into()));
        assert_eq!(
            block,
            r#"{"type":"text","text":"[file left out: a.b, application/zip]"}"#
        );
        assert_eq!(dropped, "content.file");
        let (block, _) = told(Source::Url("https://files.example/data:a,b".into()));
        assert!(
            block.contains(r#""source":{"type":"url","url":"https://files.example/data:a,b"}"#)
        );
    }
}
