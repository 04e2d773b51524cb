//! The body of `docs/bring-your-own.md`, as it stands there.

use serde_json::Value;

use crate::server::plain;

const PAGE: &str = include_str!("../../../../docs/bring-your-own.md");

#[test]
fn what_any_engine_found_is_verified_by_the_body_of_the_page() {
    let body = PAGE.split("<<'BODY'\n").nth(1).and_then(|rest| rest.split("\nBODY").next()).unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let answer = plain().post("/v1/verify", &body).json();
    let said: Vec<_> = answer["results"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(said, ["es-1", "es-2"], "{answer}");
    assert!(answer["results"].as_array().unwrap().iter().all(|it| it["verdict"].is_string()), "{answer}");
}
