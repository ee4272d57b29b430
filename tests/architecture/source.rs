//! A source file as a flat list of tokens, without what is compiled for tests only.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file of `src`.
pub(crate) struct Source {
    /// Its path below `src`, with `/`.
    pub(crate) path: String,
    /// The top-level module it belongs to: its folder, or its name without `.rs`.
    pub(crate) room: String,
    /// The whole text.
    pub(crate) text: String,
    tokens: Vec<Token>,
}

struct Token {
    word: String,
    line: usize,
}

/// Every file of `src`, read once.
pub(crate) fn house() -> &'static [Source] {
    static HOUSE: OnceLock<Vec<Source>> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let files = below("src");
        assert!(files.len() > HOUSE_FILES_MIN, "the walk found only {} files", files.len());
        let tests_only: Vec<bool> = files.iter().map(|file| is_tests_file(file, &files)).collect();
        files.into_iter().zip(tests_only).filter(|(_, tests_only)| !tests_only).map(|(file, _)| file).collect()
    })
}

/// Every file of Rust below a directory of the package.
pub(crate) fn below(directory: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.expect("the directory is readable");
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let path = entry.path().strip_prefix(&root).expect("below it");
            let path = path.to_str().expect("UTF-8").replace('\\', "/");
            files.push(Source::parse(&path, &fs::read_to_string(entry.path()).expect("readable")));
        }
    }
    files
}

/// Fewer than this means that the walk looked in the wrong place.
const HOUSE_FILES_MIN: usize = 15;

/// Whether a file is, or lies in, a module `tests` that its parent declares under `#[cfg(test)]`.
fn is_tests_file(file: &Source, files: &[Source]) -> bool {
    let Some((parent, _)) = file.path.split_once("/tests.rs").or_else(|| file.path.split_once("/tests/")) else {
        return false;
    };
    let declares = |other: &&Source| other.path == format!("{parent}/mod.rs") || other.path == format!("{parent}.rs");
    // What is under `#[cfg(test)]` is not among the tokens, so a `mod tests` that is seen is a shipped one.
    files.iter().find(declares).is_some_and(|parent| parent.line_of(&["mod", "tests"]).is_none())
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let room = path.split('/').next().unwrap_or(path).trim_end_matches(".rs").to_owned();
        Self { path: path.to_owned(), room, text: text.to_owned(), tokens }
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    /// The rooms named by `crate::room` and `crate::{room, room::x}`, each once, in order, with the line.
    pub(crate) fn rooms_imported(&self) -> Vec<(String, usize)> {
        let mut rooms: Vec<(String, usize)> = Vec::new();
        let mut note = |token: &Token| {
            if !rooms.iter().any(|(room, _)| *room == token.word) {
                rooms.push((token.word.clone(), token.line));
            }
        };
        for at in 0..self.tokens.len() {
            if self.word(at) != "crate" || self.word(at + 1) != "::" {
                continue;
            }
            if self.word(at + 2) != "{" {
                note(&self.tokens[at + 2]);
                continue;
            }
            let (mut depth, mut next) = (0, at + 2);
            while next < self.tokens.len() {
                match self.word(next) {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                let first = matches!(self.word(next - 1), "{" | ",") && !matches!(self.word(next), "{" | "}");
                if depth == 1 && first {
                    note(&self.tokens[next]);
                }
                if depth == 0 {
                    break;
                }
                next += 1;
            }
        }
        rooms
    }

    /// The first line that names the crate `name`: as the head of a path, or in `use name;` and `use name as`.
    pub(crate) fn line_naming(&self, name: &str) -> Option<usize> {
        let found = (0..self.tokens.len()).find(|at| {
            let before = if *at == 0 { "" } else { self.word(at - 1) };
            self.word(*at) == name
                && !matches!(before, "." | "mod" | "fn")
                && (before != "::" || !is_word(if *at < 2 { "" } else { self.word(at - 2) }))
                && (self.word(at + 1) == "::" || (before == "use" && matches!(self.word(at + 1), ";" | "as")))
                && self.word(at + 2) != "<"
        })?;
        Some(self.tokens[found].line)
    }

    /// The first line on which these tokens follow each other.
    pub(crate) fn line_of(&self, words: &[&str]) -> Option<usize> {
        let run = |at: &usize| words.iter().enumerate().all(|(offset, word)| self.word(at + offset) == *word);
        (0..self.tokens.len()).find(run).map(|at| self.tokens[at].line)
    }

    /// How often a secret is exposed: `.expose(`, `::expose(`, and the doors that write or read the bytes of a key.
    pub(crate) fn exposures(&self) -> usize {
        let exposing = |word: &str| word == "expose" || word.starts_with("expose_");
        (1..self.tokens.len())
            .filter(|at| {
                exposing(self.word(*at)) && matches!(self.word(at - 1), "." | "::") && self.word(at + 1) == "("
            })
            .count()
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Appends the tokens of `stream`, leaving out literals' contents and items under `#[cfg(test)]`.
fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if is_test_only(&trees[at..]) {
            at = after_item(&trees, at + 2);
            continue;
        }
        push(&trees[at], out);
        at += 1;
    }
}

/// Features of builds for tests. What only they compile may import any room, as tests may.
const UNSHIPPED: [&str; 2] = ["\"testkit\"", "\"sabotage\""];

/// Whether an attribute `#[cfg(..)]` that asks for `test` or for a feature that is never shipped begins here.
fn is_test_only(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = trees else { return false };
    let text = attribute.to_string().replace([' ', '\n'], "");
    hash.as_char() == '#'
        && text.starts_with("[cfg(")
        && !text.contains("not(test)")
        && (text.contains("(test)")
            || text.contains("(test,")
            || UNSHIPPED.iter().any(|feature| text.contains(feature)))
}

/// The position behind the item that starts at `at`: behind its `{..}` block or its `;`.
fn after_item(trees: &[TokenTree], mut at: usize) -> usize {
    while at < trees.len() {
        let ends = match &trees[at] {
            TokenTree::Group(group) => {
                group.delimiter() == Delimiter::Brace
                    && !matches!(trees.get(at + 1), Some(TokenTree::Punct(p)) if p.as_char() == ';')
            }
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        at += 1;
        if ends {
            break;
        }
    }
    at
}

fn push(tree: &TokenTree, out: &mut Vec<Token>) {
    let line = tree.span().start().line;
    let word = match tree {
        TokenTree::Group(group) => return push_group(group, out),
        TokenTree::Ident(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
        TokenTree::Punct(punct) => punct.as_char().to_string(),
        TokenTree::Literal(_) => "literal".to_owned(),
    };
    // `::` is told as one word, since paths are what this walk is about.
    match out.last_mut() {
        Some(last) if word == ":" && last.word == ":" => last.word.push(':'),
        _ => out.push(Token { word, line }),
    }
}

fn push_group(group: &Group, out: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::None => ("", ""),
    };
    out.push(Token { word: open.to_owned(), line: group.span_open().start().line });
    flatten(group.stream(), out);
    out.push(Token { word: close.to_owned(), line: group.span_close().start().line });
}
