//! Which findings lie where a path points.
//!
//! A path names keys as the document does, in their old or current spelling,
//! and entries of a list by position (`Models[0]`), by `id` or `name`, or by
//! `pool_endpoint_id`; of several entries with one id it names all. Ids may hold
//! dots, so each beginning of a path is looked for among the names that exist.
//!
//! The tree is walked once for all paths, and only where one of them leads.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Code, nearest};
use crate::registration::{Key, Takes, VOCABULARY};
use crate::source::Span;
use crate::tree::{Node, Value};

/// Dots that a name may have; each may also be the end of it.
const DOTS: usize = 16;

/// Paths for which a name is looked for that was perhaps meant; comparing takes long.
const HELPED: usize = 16;

/// Names it is compared with.
const COMPARED: usize = 256;

/// A path, and the code of findings it is about.
pub(super) struct Asked<'a> {
    pub(super) at: &'a str,
    pub(super) code: Code,
}

/// What became of the paths, in the order they were asked.
#[derive(Default)]
pub(super) struct Found {
    /// Where each path ends; none where it leads to something.
    pub(super) lost: Vec<Option<Lost>>,
    /// The path under which a finding lies, by its code and place: the first
    /// of those that lead least deep.
    pub(super) covered: BTreeMap<(Code, Span), usize>,
}

/// A path that leads nowhere.
#[derive(Clone, Default)]
pub(super) struct Lost {
    /// Bytes of the path that lead somewhere.
    pub(super) known: usize,
    /// What was perhaps meant by the name that follows.
    pub(super) near: Option<String>,
}

/// Follows the paths, and looks what of `findings` lies under each.
pub(super) fn find(root: &Node<'_>, asked: &[Asked<'_>], findings: Vec<(Code, Span)>) -> Found {
    let mut wanted = findings;
    wanted.sort_unstable_by_key(|(code, span)| (span.source, span.start, span.end, *code));
    let mut walk = Walk {
        codes: asked.iter().map(|asked| asked.code).collect(),
        wanted,
        inside: BTreeMap::new(),
        helped: 0,
        found: Found {
            lost: vec![Some(Lost::default()); asked.len()],
            covered: BTreeMap::new(),
        },
    };
    let whole = asked.iter().map(|asked| asked.at).enumerate();
    let paths = whole.map(|(number, at)| Path {
        number,
        known: 0,
        rest: at,
    });
    walk.node(root, &paths.collect::<Vec<_>>(), Takes::Map(VOCABULARY));
    walk.found
}

/// The rest of a path, below some node.
#[derive(Clone, Copy)]
struct Path<'a> {
    number: usize,
    known: usize,
    rest: &'a str,
}

/// Paths by the name that each may go on with.
type Ways<'a> = HashMap<&'a str, Vec<Path<'a>>>;

struct Walk {
    codes: Vec<Code>,
    /// By place.
    wanted: Vec<(Code, Span)>,
    /// The paths that lead to this node or to one around it, the outermost first.
    inside: BTreeMap<Code, Vec<usize>>,
    helped: usize,
    found: Found,
}

impl Walk {
    fn node(&mut self, node: &Node<'_>, paths: &[Path<'_>], takes: Takes) {
        let looks = !self.inside.is_empty() && !self.wanted.is_empty();
        if paths.is_empty() && !looks {
            return;
        }
        match &node.value {
            Value::Map(entries) if !entries.is_empty() => {
                let (ways, keys) = (ways(paths), keys_of(takes));
                for entry in entries {
                    let known = keys.iter().find(|key| key.is_spelt(&entry.key.value));
                    let takes = known.map_or_else(|| beside(takes), |key| key.takes);
                    let names = [Some(entry.key.value.as_ref()), known.map(|key| key.name)];
                    let old = known.and_then(|key| key.old);
                    let names = names.into_iter().chain([old]).flatten();
                    let (ends, on) = meet(&ways, names);
                    self.enter(&ends);
                    self.leaf(entry.key.span);
                    self.node(&entry.value, &on, takes);
                    self.leave(&ends);
                }
            }
            Value::List(items) if !items.is_empty() => {
                let ways = ways(paths);
                for (at, item) in items.iter().enumerate() {
                    let position = format!("[{at}]");
                    let names = names_of(item).chain([position.as_str()]);
                    let (ends, on) = meet(&ways, names);
                    self.enter(&ends);
                    self.node(item, &on, item_of(takes));
                    self.leave(&ends);
                }
            }
            _ => self.leaf(node.span),
        }
        self.tell_lost(paths, node);
    }

    fn enter(&mut self, ends: &[usize]) {
        for number in ends {
            self.found.lost[*number] = None;
            let inside = self.inside.entry(self.codes[*number]).or_default();
            inside.push(*number);
        }
    }

    fn leave(&mut self, ends: &[usize]) {
        for number in ends {
            let code = self.codes[*number];
            let left = self.inside.get_mut(&code).map_or(0, |inside| {
                inside.pop();
                inside.len()
            });
            if left == 0 {
                self.inside.remove(&code);
            }
        }
    }

    /// Notes what lies at a place that has no places inside.
    fn leaf(&mut self, place: Span) {
        if self.inside.is_empty() {
            return;
        }
        let key = |span: Span| (span.source, span.start);
        let first = self
            .wanted
            .partition_point(|(_, span)| key(*span) < key(place));
        for (code, span) in &self.wanted[first..] {
            if span.source != place.source || span.start > place.end {
                break;
            }
            let outermost = self.inside.get(code).and_then(|inside| inside.first());
            if let Some(number) = outermost.filter(|_| span.end <= place.end) {
                self.found.covered.entry((*code, *span)).or_insert(*number);
            }
        }
    }

    /// Remembers, of paths that lead no further than here, how far they led.
    fn tell_lost(&mut self, paths: &[Path<'_>], node: &Node<'_>) {
        for path in paths {
            // Another place of the same name may have led further, or to the end.
            let Some(lost) = &mut self.found.lost[path.number] else {
                continue;
            };
            if path.known < lost.known || lost.near.is_some() {
                continue;
            }
            lost.known = path.known;
            if self.helped < HELPED {
                self.helped += 1;
                let near = nearest(first_name(path.rest), names_in(node));
                lost.near = near.map(str::to_owned);
            }
        }
    }
}

/// Each beginning of a path that may be a name, with what follows it.
fn ways<'a>(paths: &[Path<'a>]) -> Ways<'a> {
    let mut ways = Ways::new();
    for path in paths {
        let mut way = |end: usize, next: usize| {
            let on = Path {
                number: path.number,
                known: path.known + next,
                rest: &path.rest[next..],
            };
            ways.entry(&path.rest[..end]).or_default().push(on);
        };
        way(path.rest.len(), path.rest.len());
        let marks = path.rest.char_indices().skip(1);
        let marks = marks.filter(|(_, mark)| matches!(mark, '.' | '['));
        for (at, mark) in marks.take(DOTS) {
            way(at, at + usize::from(mark == '.'));
        }
    }
    ways
}

/// The numbers of paths that end at one of these names, and those that go on.
fn meet<'a, 'n>(
    ways: &Ways<'a>,
    names: impl IntoIterator<Item = &'n str>,
) -> (Vec<usize>, Vec<Path<'a>>) {
    let (mut ends, mut on) = (Vec::new(), Vec::new());
    for path in names
        .into_iter()
        .filter_map(|name| ways.get(name))
        .flatten()
    {
        match path.rest.is_empty() {
            true => ends.push(path.number),
            false => on.push(*path),
        }
    }
    // One thing may have the name twice: as its id and as its endpoint id.
    ends.sort_unstable();
    ends.dedup();
    on.dedup_by_key(|path| (path.number, path.known));
    (ends, on)
}

/// The name a path goes on with, if it has no dots.
pub(super) fn first_name(rest: &str) -> &str {
    let inner = rest.char_indices().skip(1);
    let mut marks = inner.filter(|(_, c)| matches!(c, '.' | '['));
    &rest[..marks.next().map_or(rest.len(), |(at, _)| at)]
}

/// The first names that a path could go on with.
fn names_in<'n>(node: &'n Node<'_>) -> Vec<&'n str> {
    match &node.value {
        Value::Map(entries) => {
            let keys = entries.iter().map(|entry| entry.key.value.as_ref());
            keys.take(COMPARED).collect()
        }
        Value::List(items) => items.iter().flat_map(names_of).take(COMPARED).collect(),
        Value::Null | Value::Scalar(_) | Value::Broken => Vec::new(),
    }
}

/// What an entry of a list is called.
fn names_of<'n>(item: &'n Node<'_>) -> impl Iterator<Item = &'n str> {
    let own = ["id", "name"].map(|name| text(item, name));
    let endpoint = child(item, "metadata").and_then(|inner| text(inner, "pool_endpoint_id"));
    own.into_iter().chain([endpoint]).flatten()
}

fn child<'n, 's>(node: &'n Node<'s>, name: &str) -> Option<&'n Node<'s>> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key.value == name)?;
    Some(&entry.value)
}

fn text<'n>(node: &'n Node<'_>, name: &str) -> Option<&'n str> {
    match &child(node, name)?.value {
        Value::Scalar(scalar) => Some(scalar.text.trim()),
        _ => None,
    }
}

/// The keys of a map that stands where this is taken.
fn keys_of(takes: Takes) -> &'static [Key] {
    match takes {
        Takes::Map(keys) | Takes::Codes(_, keys) => keys,
        Takes::Either(one, other) => match keys_of(*one) {
            [] => keys_of(*other),
            keys => keys,
        },
        _ => &[],
    }
}

/// What stands below a name that is no key.
fn beside(takes: Takes) -> Takes {
    match takes {
        Takes::Named(_, value) | Takes::Codes(value, _) => *value,
        _ => Takes::Anything,
    }
}

fn item_of(takes: Takes) -> Takes {
    match takes {
        Takes::List(item) => *item,
        _ => Takes::Anything,
    }
}
