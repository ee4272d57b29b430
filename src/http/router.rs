//! From method and path to a route: `matchit`, the tree of templates that axum's own router is built on.
//!
//! Axum's router clones and boxes a service, a map of parameters and each of their texts for every request, which
//! together cost as much as sealing the access; handlers and extractors stay axum's. Paths are matched as they were sent;
//! `extract::segments` decodes what stood in the place of a variable. The edge calls it; it knows no handler.

use std::collections::BTreeMap;
use std::ops::Range;

use axum::http::{HeaderValue, Method};

use super::route::RouteFacts;

/// Most variable segments of one template.
const VARIABLES_MAX: usize = 4;

/// The one variable that spans segments, and how `matchit` writes it.
const REST: (&str, &str) = ("{path}", "{*path}");

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

    /// Each of `parts` is a part of `path`.
    fn new<'p>(path: &'p str, parts: impl Iterator<Item = &'p str>) -> Self {
        let mut variables = Self::default();
        for (free, part) in variables.places.iter_mut().zip(parts) {
            let start = part.as_ptr().addr().saturating_sub(path.as_ptr().addr());
            *free = start..start.saturating_add(part.len());
            variables.len += 1;
        }
        variables
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

/// All routes, by their templates.
pub(super) struct Router(matchit::Router<Leaf>);

/// Where a template ends.
struct Leaf {
    methods: Vec<(Method, usize)>,
    allow: HeaderValue,
}

impl Router {
    /// A router for `routes`, which it numbers by their order. No two of their templates may mean the same paths; a test
    /// finds each of them.
    pub(super) fn new(routes: &[RouteFacts]) -> Self {
        let mut leaves = BTreeMap::<&str, Vec<(Method, usize)>>::new();
        for (index, route) in routes.iter().enumerate() {
            leaves.entry(route.template).or_default().push((route.method.clone(), index));
        }
        let mut tree = matchit::Router::new();
        for (template, methods) in leaves {
            let inserted = tree.insert(template.replace(REST.0, REST.1), Leaf::new(methods));
            debug_assert!(inserted.is_ok(), "{template} means the paths of another template");
        }
        Self(tree)
    }

    /// What there is for `method` at `path`. Whatever answers `GET` answers `HEAD`.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matchit::Match { value: leaf, params }) = self.0.at(path) else { return Found::Nothing };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        match leaf.methods.iter().find(|(known, _)| known == method) {
            Some((_, index)) => Found::Route(*index, Variables::new(path, params.iter().map(|(_, text)| text))),
            None => Found::OtherMethods(&leaf.allow),
        }
    }
}

impl Leaf {
    fn new(methods: Vec<(Method, usize)>) -> Self {
        let names: Vec<_> = methods.iter().map(|(method, _)| allowed_by(method)).collect();
        // Names of methods are always plain text.
        let allow = HeaderValue::try_from(names.join(",")).unwrap_or(HeaderValue::from_static(""));
        Self { methods, allow }
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
        // An empty text is none that a variable can have: its type refuses it.
        assert_eq!(words(Method::PUT, "/a//b/2"), "4  2");
        assert_eq!(words(Method::DELETE, "/a"), "GET,HEAD,POST");
    }

    #[test]
    fn a_path_that_is_nearly_one_is_none() {
        for path in ["", "*", "/", "a", "//a", "/a/", "/A", "/a/1/", "/a/1/b", "/a/1/b/", "/log", "/log/", "/x"] {
            assert_eq!(words(Method::GET, path), "-", "{path}");
        }
    }

    #[test]
    fn every_route_is_found() {
        let routes: Vec<_> = super::super::routes::table().into_iter().map(|route| route.facts).collect();
        let router = Router::new(&routes);
        for (index, route) in routes.iter().enumerate() {
            let found = router.find(&route.method, route.template);
            assert!(matches!(found, Found::Route(at, _) if at == index), "{} {}", route.method, route.template);
        }
    }

    #[test]
    fn no_template_has_more_variables_than_there_is_room_for() {
        for (_, template) in super::super::routes() {
            assert!(template.matches('{').count() <= VARIABLES_MAX, "{template}");
        }
    }
}
