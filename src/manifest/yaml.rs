//! YAML 1.2 core into a tree with spans. The only module that knows the parser.
//!
//! Scalars keep their text as written (`8080`, `true`, `no`, `0x1F`); only null is told apart.
//! Duplicate keys and merge keys are kept in the tree, so that the reader of the tree can report
//! them together with everything else. What the parser itself refuses is one problem a file.

mod refusal;
mod tag;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{
    diagnostic::Diagnostic,
    source::{Source, SourceId, Sources, Span},
};

/// Longest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 32;

/// A node and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Where it stands; of a mapping or a list in block style, its first byte. For an alias, the
    /// alias.
    pub span: Span,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written, quotes and escapes resolved.
    Scalar(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order written; keys may stand twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// Parses the text of a source and records its scalars there.
pub fn parse(sources: &mut Sources, id: SourceId) -> Result<Node, Diagnostic> {
    let source = sources.get(id);
    if source.text.len() > MAX_BYTES {
        return Err(Diagnostic::whole(
            "too-long",
            format!(
                "{} is longer than 1 MiB; a manifest is a page or two",
                source.display
            ),
        ));
    }
    let raw = serde_saphyr::from_str_with_options::<Raw>(&source.text, options())
        .map_err(|error| refusal::refused(source, id, &error))?;
    let builder = Builder {
        text: source.text.clone(),
        id,
    };
    let node = builder.node(raw).map_err(|location| {
        Diagnostic::at(
            builder.span(location),
            "wrong-type",
            "a list or a mapping can't be a key",
        )
    })?;
    record(sources.get_mut(id), &node);
    match tag::first(sources.get(id)) {
        Some(at) => Err(refusal::tagged(sources.get(id), id, at)),
        None => Ok(node),
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_events: 100_000,
            max_nodes: 50_000,
            max_aliases: 500,
            max_anchors: 100,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 200,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_saphyr::MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// The tree as the parser gives it, before the text of plain scalars is cut from the source.
enum Tree {
    Null,
    /// A plain scalar that YAML's core schema takes for a boolean or a number.
    Plain,
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

struct Raw {
    tree: Tree,
    referenced: Location,
    defined: Location,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self {
            tree: spanned.value,
            referenced: spanned.referenced,
            defined: spanned.defined,
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(Tree::Map(pairs))
    }
}

struct Builder {
    text: String,
    id: SourceId,
}

impl Builder {
    fn node(&self, raw: Raw) -> Result<Node, Location> {
        let content = match raw.tree {
            Tree::Null => Content::Null,
            Tree::Plain => Content::Scalar(self.plain(raw.defined)),
            Tree::Text(text) => Content::Scalar(text),
            Tree::List(items) => Content::List(
                items
                    .into_iter()
                    .map(|item| self.node(item))
                    .collect::<Result<_, _>>()?,
            ),
            Tree::Map(pairs) => Content::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| Ok((self.key(key)?, self.node(value)?)))
                    .collect::<Result<_, Location>>()?,
            ),
        };
        Ok(Node {
            content,
            span: self.span(raw.referenced),
        })
    }

    fn key(&self, raw: Raw) -> Result<Key, Location> {
        let name = match raw.tree {
            Tree::Text(text) => text,
            Tree::Plain | Tree::Null => self.plain(raw.defined),
            Tree::List(_) | Tree::Map(_) => return Err(raw.referenced),
        };
        Ok(Key {
            name,
            span: self.span(raw.referenced),
        })
    }

    /// The text of a scalar that the parser turned into a number; `!!int "3"` has quotes.
    fn plain(&self, location: Location) -> String {
        let span = self.span(location);
        self.text[span.start..span.end]
            .trim_matches(['"', '\''])
            .to_owned()
    }

    fn span(&self, location: Location) -> Span {
        let span = location.span();
        let clamp = |offset: u64| {
            usize::try_from(offset).map_or(self.text.len(), |o| o.min(self.text.len()))
        };
        let start = clamp(span.byte_offset().unwrap_or(0));
        let end = clamp(span.byte_offset().unwrap_or(0) + span.byte_len().unwrap_or(0)).max(start);
        Span {
            source: self.id,
            start,
            end,
        }
    }
}

fn record(source: &mut Source, node: &Node) {
    match &node.content {
        Content::Null => {}
        Content::Scalar(_) => source.record_scalar(node.span.start, node.span.end),
        Content::List(items) => items.iter().for_each(|item| record(source, item)),
        Content::Map(pairs) => {
            for (key, value) in pairs {
                source.record_scalar(key.span.start, key.span.end);
                record(source, value);
            }
        }
    }
}
