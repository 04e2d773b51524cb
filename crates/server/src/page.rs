//! The page at `/`: a person asks an index, and sees recall's order and the vetted order side by side.
//!
//! Its files are part of the program. It asks the same routes as any other client, and loads nothing from anywhere else. Nothing in
//! its files is a secret, so they are served without a key; what it asks for is not.

use std::fmt::Write as _;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// A file of the page.
#[derive(Clone, Copy)]
struct Asset {
    /// Where it is served.
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The file of this name in `assets/`.
macro_rules! asset {
    ($file:literal, $content_type:expr) => {
        Asset {
            path: concat!("/assets/", $file),
            content_type: $content_type,
            content: include_str!(concat!("../assets/", $file)),
        }
    };
}

static ASSETS: [Asset; 15] = [
    Asset { path: "/", content_type: "text/html; charset=utf-8", content: include_str!("../assets/index.html") },
    asset!("page.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("address.js", SCRIPT),
    asset!("ask.js", SCRIPT),
    asset!("document.js", SCRIPT),
    asset!("elements.js", SCRIPT),
    asset!("explanation.js", SCRIPT),
    asset!("heatmap.js", SCRIPT),
    asset!("offsets.js", SCRIPT),
    asset!("page.js", SCRIPT),
    asset!("pair.js", SCRIPT),
    asset!("results.js", SCRIPT),
    asset!("server.js", SCRIPT),
    asset!("verdict.js", SCRIPT),
];

/// What the browser may do with the page: run and show its own files, ask its own server, and nothing else. Markup is never made
/// from text (`require-trusted-types-for`), so a document cannot become part of the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const SECURITY: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The routes of the page and its files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let tag = tag(asset);
        router.route(asset.path, get(move |headers: HeaderMap| async move { served(asset, &tag, &headers) }))
    })
}

/// Whether the page or one of its files is served at this path.
pub(crate) fn is_part(path: &str) -> bool {
    ASSETS.iter().any(|asset| asset.path == path)
}

/// The file, or word that the browser has it already. A browser asks each time, so that a new version is seen at once.
fn served(asset: &Asset, tag: &HeaderValue, request: &HeaderMap) -> Response {
    let known = request.get_all(header::IF_NONE_MATCH).iter().any(|tags| matches(tags, tag));
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, asset.content_type)], asset.content).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a list of tags, as `If-None-Match` has it, names this one. Proxies that compress call a tag weak.
fn matches(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(tag)) = (tags.to_str(), tag.to_str()) else { return false };
    tags.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == tag)
}

/// A name for what is in a file.
fn tag(asset: &Asset) -> HeaderValue {
    let mut tag = String::from("\"");
    for byte in &Sha256::digest(asset.content)[..12] {
        // Writing to a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn file(asset: &Asset) -> &'static str {
        asset.path.strip_prefix("/assets/").unwrap_or("index.html")
    }

    #[test]
    fn every_file_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let there: BTreeSet<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| file(asset).to_owned()).collect();
        assert_eq!(there, served);
    }

    #[test]
    fn what_the_files_name_is_served_and_comes_from_nowhere_else() {
        let paths: BTreeSet<&str> = ASSETS.iter().map(|asset| asset.path).collect();
        for asset in &ASSETS {
            for (before, prefix) in
                [("href=\"", "/"), ("src=\"", "/"), (" from \"./", "/assets/"), ("import \"./", "/assets/")]
            {
                for after in asset.content.split(before).skip(1) {
                    let named = after.split('"').next().unwrap();
                    let path = format!("{prefix}{named}");
                    assert!(named.starts_with('#') || paths.contains(path.as_str()), "{}: {named}", asset.path);
                }
            }
            // The name of a namespace is no address.
            let addresses = asset.content.replace("http://www.w3.org/2000/svg", "");
            assert!(!addresses.contains("http://") && !addresses.contains("https://"), "{}", asset.path);
            assert!(!asset.path.ends_with(".css") || !asset.content.contains("url("), "{}", asset.path);
        }
    }

    #[test]
    fn nothing_stands_in_the_page_that_its_policy_forbids() {
        for asset in &ASSETS {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                " style=\"",
                "<style",
                " on",
            ] {
                let found = match forbidden {
                    // Handlers as attributes, of the page alone.
                    " on" => {
                        asset.path == "/"
                            && asset.content.split(forbidden).skip(1).any(|after| {
                                after
                                    .split(|c: char| !c.is_ascii_alphabetic())
                                    .next()
                                    .is_some_and(|name| after[name.len()..].starts_with('='))
                            })
                    }
                    text => asset.content.contains(text),
                };
                assert!(!found, "{}: {forbidden}", asset.path);
            }
        }
        let inline = ASSETS[0].content.split("<script").skip(1).any(|script| !script.contains("></script>"));
        assert!(!inline && ASSETS[0].content.contains("<script"));
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        for asset in &ASSETS {
            let tag = tag(asset);
            let text = tag.to_str().unwrap();
            for (given, status) in [
                (None, 200),
                (Some("\"other\"".to_owned()), 200),
                (Some(text.to_owned()), 304),
                (Some(format!("W/{text}")), 304),
                (Some(format!("\"other\", {text}")), 304),
                (Some("*".to_owned()), 304),
            ] {
                let mut request = HeaderMap::new();
                if let Some(given) = &given {
                    request.insert(header::IF_NONE_MATCH, given.parse().unwrap());
                }
                let response = served(asset, &tag, &request);
                assert_eq!(response.status().as_u16(), status, "{given:?}");
                assert_eq!(response.headers()[header::ETAG], tag);
                assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
                assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
                assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
                if status == 200 {
                    assert_eq!(response.headers()[header::CONTENT_TYPE], asset.content_type);
                }
            }
        }
        assert_ne!(tag(&ASSETS[1]), tag(&ASSETS[2]));
    }
}
