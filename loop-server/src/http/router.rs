//! From method and path to a row.

use http::{HeaderValue, Method};

use super::{Row, path};
use crate::metrics::{Meters, Metrics};

/// Finds rows.
pub struct Router {
    paths: matchit::Router<usize>,
    endpoints: Vec<Endpoint>,
    rows: Vec<&'static Row>,
}

struct Endpoint {
    routes: Vec<Route>,
    allow: HeaderValue,
    methods: Vec<&'static str>,
}

/// A row and the meters that count its calls.
pub struct Route {
    /// The row.
    pub row: &'static Row,
    /// What is counted.
    pub meters: Meters,
}

/// What stands at a method and path.
pub enum Found<'r> {
    /// A row and the decoded parameters of its path. For `HEAD` it is the row of `GET`.
    Route(&'r Route, Vec<String>),
    /// The path exists, but not with this method; `allow` lists those it has.
    Method(&'r HeaderValue),
    /// `OPTIONS` of a path; the methods it has.
    Options(&'r HeaderValue, &'r [&'static str]),
    /// A path with a broken escape.
    Broken,
    /// Nothing.
    Nothing,
}

/// A table that cannot be routed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Two rows share method and path.
    #[error("two rows for {0}")]
    Twice(String),
    /// A path that the router does not take, or that collides with another.
    #[error("path `{path}` cannot be routed")]
    Path {
        /// The path.
        path: &'static str,
        /// Why.
        source: matchit::InsertError,
    },
}

impl Router {
    /// A router over these rows.
    ///
    /// # Errors
    /// Two rows for the same method and path, or paths that collide.
    pub fn new(rows: Vec<&'static Row>, metrics: &Metrics) -> Result<Self, TableError> {
        let mut paths = matchit::Router::new();
        let mut groups: Vec<(&'static str, Vec<Route>)> = Vec::new();
        for row in &rows {
            let route = Route { row, meters: metrics.meters(row.operation) };
            match groups.iter_mut().find(|(path, _)| *path == row.path) {
                Some((_, routes)) if routes.iter().any(|other| other.row.method == row.method) => {
                    return Err(TableError::Twice(format!("{row:?}")));
                }
                Some((_, routes)) => routes.push(route),
                None => groups.push((row.path, vec![route])),
            }
        }
        let mut endpoints = Vec::new();
        for (path, routes) in groups {
            paths.insert(path, endpoints.len()).map_err(|source| TableError::Path { path, source })?;
            let mut methods: Vec<&'static str> = Vec::new();
            for route in &routes {
                methods.push(route.row.method.as_str());
                if route.row.method == Method::GET {
                    methods.push("HEAD");
                }
            }
            methods.push("OPTIONS");
            let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
            endpoints.push(Endpoint { routes, allow, methods });
        }
        Ok(Self { paths, endpoints, rows })
    }

    /// Every row, in the table's order.
    #[must_use]
    pub fn rows(&self) -> &[&'static Row] {
        &self.rows
    }

    /// What stands at `method` and `path`.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matched) = self.paths.at(path) else { return Found::Nothing };
        let Some(endpoint) = self.endpoints.get(*matched.value) else { return Found::Nothing };
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let Some(route) = endpoint.routes.iter().find(|route| route.row.method == *wanted) else {
            return if *method == Method::OPTIONS {
                Found::Options(&endpoint.allow, &endpoint.methods)
            } else {
                Found::Method(&endpoint.allow)
            };
        };
        let mut params = Vec::new();
        for (_, raw) in matched.params.iter() {
            match path::decode(raw) {
                Some(value) => params.push(value),
                None => return Found::Broken,
            }
        }
        Found::Route(route, params)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Found, Router, TableError};
    use crate::{metrics::Metrics, surface};

    #[test]
    fn the_table_can_be_routed_and_every_row_is_found() {
        let router = Router::new(surface::rows(), &Metrics::new()).expect("a sound table");
        for row in surface::rows() {
            let path = row.path.replace(['{', '}', '*'], "");
            match router.find(&row.method, &path) {
                Found::Route(route, params) => {
                    assert_eq!(route.row.operation, row.operation);
                    assert_eq!(params.len(), row.path_params().count());
                }
                _ => panic!("{row:?} is not found"),
            }
        }
    }

    #[test]
    fn two_rows_for_one_place_are_an_error() {
        let mut rows = surface::rows();
        rows.extend(surface::rows());
        assert!(matches!(Router::new(rows, &Metrics::new()), Err(TableError::Twice(_))));
    }

    #[test]
    fn head_finds_get_and_strangers_find_nothing() {
        let router = Router::new(surface::rows(), &Metrics::new()).expect("a sound table");
        assert!(matches!(router.find(&Method::HEAD, "/health"), Found::Route(..)));
        assert!(matches!(router.find(&Method::POST, "/health"), Found::Method(_)));
        assert!(matches!(router.find(&Method::OPTIONS, "/health"), Found::Options(..)));
        assert!(matches!(router.find(&Method::GET, "/health/"), Found::Nothing));
        assert!(matches!(router.find(&Method::GET, "//health"), Found::Nothing));
    }
}
