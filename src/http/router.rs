//! From method and path to a route: a tree of the segments of the templates.
//!
//! A router of our own, since that of a framework clones and boxes a service, a map of parameters and each of their
//! texts for every request, which together cost as much as sealing the access. Paths are matched as they were sent;
//! `extract::segments` decodes what stood in the place of a variable. The edge calls it; it knows no handler.

use std::ops::Range;

use axum::http::{HeaderValue, Method};

use super::route::RouteFacts;

/// Most variable segments of one template.
const VARIABLES_MAX: usize = 4;

/// The one variable that spans segments.
const REST: &str = "{path}";

/// What stands for the variable segments of a path: where each lies in it.
#[derive(Clone, Default)]
pub(super) struct Variables {
    places: [Range<usize>; VARIABLES_MAX],
    len: usize,
}

impl Variables {
    /// The texts, as they were sent.
    pub(super) fn of<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        self.places.iter().take(self.len).filter_map(move |place| path.get(place.clone()))
    }

    fn push(&mut self, place: Range<usize>) {
        if let Some(free) = self.places.get_mut(self.len) {
            *free = place;
            self.len += 1;
        }
    }
}

/// What there is for a request.
pub(super) enum Found<'r> {
    /// A route, by its position in the table.
    Route(usize, Variables),
    /// The path is known, but not with this method; these are allowed.
    OtherMethods(&'r HeaderValue),
    /// Nothing.
    Nothing,
}

/// All routes, by the segments of their templates.
pub(super) struct Router(Node);

#[derive(Default)]
struct Node {
    fixed: Vec<(&'static str, Node)>,
    /// One segment, whatever it is.
    variable: Option<Box<Node>>,
    /// All that is left of the path.
    rest: Option<Leaf>,
    leaf: Option<Leaf>,
}

/// Where a template ends.
struct Leaf {
    methods: Vec<(Method, usize)>,
    allow: HeaderValue,
}

impl Router {
    /// A router for `routes`, which it numbers by their order.
    pub(super) fn new(routes: &[RouteFacts]) -> Self {
        let mut root = Node::default();
        for (index, route) in routes.iter().enumerate() {
            root.insert(route.template.trim_start_matches('/'), &route.method, index);
        }
        Self(root)
    }

    /// What there is for `method` at `path`. Whatever answers `GET` answers `HEAD`.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let mut variables = Variables::default();
        let leaf = path.strip_prefix('/').and_then(|rest| self.0.find(path.len(), rest, &mut variables));
        let Some(leaf) = leaf else { return Found::Nothing };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        match leaf.methods.iter().find(|(known, _)| known == method) {
            Some((_, index)) => Found::Route(*index, variables),
            None => Found::OtherMethods(&leaf.allow),
        }
    }
}

impl Node {
    fn insert(&mut self, template: &'static str, method: &Method, index: usize) {
        let (segment, rest) =
            template.split_once('/').map_or((template, None), |(segment, rest)| (segment, Some(rest)));
        if segment == REST {
            return Leaf::add(&mut self.rest, method, index);
        }
        let next = if segment.starts_with('{') {
            &mut **self.variable.get_or_insert_default()
        } else {
            let at = self.fixed.iter().position(|(known, _)| *known == segment).unwrap_or(self.fixed.len());
            if at == self.fixed.len() {
                self.fixed.push((segment, Node::default()));
            }
            let Some((_, next)) = self.fixed.get_mut(at) else { return };
            next
        };
        match rest {
            Some(rest) => next.insert(rest, method, index),
            None => Leaf::add(&mut next.leaf, method, index),
        }
    }

    /// Looks up `rest`, which ends a path of `whole` bytes. A segment that is spelled out comes before a variable, a
    /// variable before all that is left.
    fn find(&self, whole: usize, rest: &str, variables: &mut Variables) -> Option<&Leaf> {
        let start = whole - rest.len();
        let (segment, more) = match rest.as_bytes().iter().position(|byte| *byte == b'/') {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)),
            None => (rest, None),
        };
        let known = variables.len;
        if let Some((_, node)) = self.fixed.iter().find(|(known, _)| *known == segment)
            && let Some(leaf) = node.end_or_deeper(whole, more, variables)
        {
            return Some(leaf);
        }
        if let Some(node) = self.variable.as_deref().filter(|_| !segment.is_empty()) {
            variables.len = known;
            variables.push(start..start + segment.len());
            if let Some(leaf) = node.end_or_deeper(whole, more, variables) {
                return Some(leaf);
            }
        }
        let leaf = self.rest.as_ref().filter(|_| !rest.is_empty())?;
        variables.len = known;
        variables.push(start..whole);
        Some(leaf)
    }

    fn end_or_deeper(&self, whole: usize, more: Option<&str>, variables: &mut Variables) -> Option<&Leaf> {
        match more {
            Some(more) => self.find(whole, more, variables),
            None => self.leaf.as_ref(),
        }
    }
}

impl Leaf {
    fn add(place: &mut Option<Self>, method: &Method, index: usize) {
        let leaf = place.get_or_insert_with(|| Self { methods: Vec::new(), allow: HeaderValue::from_static("") });
        leaf.methods.push((method.clone(), index));
        let names: Vec<_> = leaf.methods.iter().map(|(method, _)| allowed_by(method)).collect();
        // Names of methods are always plain text.
        if let Ok(allow) = HeaderValue::try_from(names.join(",")) {
            leaf.allow = allow;
        }
    }
}

fn allowed_by(method: &Method) -> &str {
    if *method == Method::GET { "GET,HEAD" } else { method.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(method: Method, template: &'static str) -> RouteFacts {
        RouteFacts { method, template, query: &[], conditional: false }
    }

    fn router() -> Router {
        Router::new(&[
            facts(Method::GET, "/a"),
            facts(Method::POST, "/a"),
            facts(Method::POST, "/a/lookup"),
            facts(Method::GET, "/a/{id}"),
            facts(Method::PUT, "/a/{id}/b/{name}"),
            facts(Method::GET, "/log/{path}"),
            facts(Method::GET, "/log/head"),
        ])
    }

    /// The position of the route and its variables; the methods allowed; or nothing.
    fn words(method: Method, path: &str) -> String {
        match router().find(&method, path) {
            Found::Route(index, variables) => {
                let texts: Vec<_> = variables.of(path).collect();
                format!("{index} {}", texts.join(" ")).trim_end().to_owned()
            }
            Found::OtherMethods(allow) => allow.to_str().unwrap().to_owned(),
            Found::Nothing => "-".to_owned(),
        }
    }

    #[test]
    fn a_path_is_found_as_its_template_says() {
        for (path, found) in [
            ("/a", "0"),
            ("/a/1", "3 1"),
            ("/a/look", "3 look"),
            ("/a/%6cookup", "3 %6cookup"),
            ("/log/head", "6"),
            ("/log/headless", "5 headless"),
            ("/log/head/x", "5 head/x"),
            ("/log/a//b/", "5 a//b/"),
            ("/a/lookup", "POST"),
            ("/a/1/b/2", "PUT"),
            ("/a/lookup/b/2", "PUT"),
        ] {
            assert_eq!(words(Method::GET, path), found, "{path}");
        }
        assert_eq!(words(Method::PUT, "/a/lookup/b/x%2fy"), "4 lookup x%2fy");
        assert_eq!(words(Method::HEAD, "/a/1"), "3 1");
        assert_eq!(words(Method::DELETE, "/a"), "GET,HEAD,POST");
    }

    #[test]
    fn a_path_that_is_nearly_one_is_none() {
        for path in
            ["", "*", "/", "a", "//a", "/a/", "/A", "/a/1/", "/a//b/2", "/a/1/b", "/a/1/b/", "/log", "/log/", "/x"]
        {
            assert_eq!(words(Method::GET, path), "-", "{path}");
        }
    }

    #[test]
    fn no_template_has_more_variables_than_there_is_room_for() {
        for (_, template) in super::super::routes() {
            assert!(template.matches('{').count() <= VARIABLES_MAX, "{template}");
        }
    }
}
