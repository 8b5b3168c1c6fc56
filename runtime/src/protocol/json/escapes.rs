//! What stands behind a backslash.

/// What a byte stands for behind a backslash, in a table, since which one comes next
/// nobody can guess; zero where it stands for nothing by itself.
static PLAIN: [u8; 256] = {
    let mut plain = [0; 256];
    plain[b'"' as usize] = b'"';
    plain[b'\\' as usize] = b'\\';
    plain[b'/' as usize] = b'/';
    plain[b'b' as usize] = 0x08;
    plain[b'f' as usize] = 0x0c;
    plain[b'n' as usize] = b'\n';
    plain[b'r' as usize] = b'\r';
    plain[b't' as usize] = b'\t';
    plain
};

/// Bytes of the escape at the beginning of `text`; none where there is none.
#[inline]
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let [b'\\', letter, behind @ ..] = text else {
        return None;
    };
    if PLAIN[usize::from(*letter)] != 0 {
        return Some(2);
    }
    let digits: &[u8; 4] = behind.first_chunk()?;
    (*letter == b'u' && digits.iter().all(u8::is_ascii_hexdigit)).then_some(6)
}

/// Adds what the escape at the beginning of `text` stands for, which was found to be
/// one; the bytes it takes. Half a surrogate pair becomes U+FFFD.
#[inline]
pub(super) fn decode(text: &str, out: &mut String) -> usize {
    let letter = text.as_bytes().get(1).copied().unwrap_or_default();
    let plain = PLAIN[usize::from(letter)];
    if plain != 0 {
        out.push(char::from(plain));
        return 2;
    }
    let (c, read) = unicode(text);
    out.push(c);
    read
}

/// The character at the beginning of `\uXXXX…`, and the bytes it takes.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, escape.len());
    };
    let pair = match unit(6) {
        Some(second) if (0xD800..0xDC00).contains(&first) => char::decode_utf16([first, second])
            .next()
            .and_then(Result::ok),
        _ => None,
    };
    match pair {
        Some(c) => (c, 12),
        None => (
            char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER),
            6,
        ),
    }
}
