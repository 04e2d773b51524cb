//! The Hugging Face hub as a source: plain HTTP GET, going on where an earlier transfer broke off.
//!
//! Why not the crate `hf-hub`: since 1.0 it stands on reqwest and tokio, which nothing else here needs; its older
//! versions on ureq are no longer kept up. What vetted needs of the hub is two addresses, a listing and a file.

use std::time::Duration;

use serde::Deserialize;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::http::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::error::{Failure, Halt};
use crate::repository::{Repository, is_commit};
use crate::transfer::{CopyError, Incoming};
use crate::{Cache, Progress, Token};

/// How often a file is asked for in all when the connection keeps breaking.
const ATTEMPTS: usize = 5;

/// A listing is a few kilobytes; what is larger than this is something else.
const LONGEST_LISTING: u64 = 16 << 20;

/// A client of one hub.
pub struct Hub<'a> {
    agent: Agent,
    endpoint: &'a str,
    token: Option<&'a Token>,
}

/// What a repository holds at one commit.
pub struct Listing {
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    pub files: Vec<ListedFile>,
}

/// A file of a repository, known before it is fetched.
pub struct ListedFile {
    /// Its path, with `/`.
    pub path: String,
    pub bytes: u64,
    /// What the hub calls its content: the SHA-256 of a large file, git's SHA-1 of a small one. The shared cache keeps
    /// the content under this name.
    pub etag: String,
    /// Whether the etag is a SHA-256.
    pub is_large: bool,
}

impl Listing {
    /// The file at `path`, if there is one.
    pub fn file(&self, path: &str) -> Option<&ListedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl<'a> Hub<'a> {
    /// A client that notices within seconds that there is no network, and later that a transfer has stalled.
    pub fn new(cache: &'a Cache, token: Option<&'a Token>) -> Self {
        // The system's certificates, so that company proxies with their own authority work.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .timeout_resolve(Some(Duration::from_secs(3)))
            .timeout_connect(Some(Duration::from_secs(3)))
            .timeout_recv_response(Some(Duration::from_secs(15)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            // The hub sends clients on to addresses of its own, which need the token, and to others, which must not
            // have it.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .user_agent(concat!("vetted/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .new_agent();
        Self { agent, endpoint: &cache.hub, token }
    }

    /// What `repository` holds.
    pub fn listing(&self, repository: &Repository) -> Result<Listing, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            sha: String,
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Sibling {
            rfilename: String,
            size: Option<u64>,
            blob_id: Option<String>,
            lfs: Option<Lfs>,
        }
        #[derive(Deserialize)]
        struct Lfs {
            sha256: String,
            size: u64,
        }

        let Repository { id, revision } = repository;
        let revision = revision.replace('/', "%2F");
        let url = format!("{}/api/models/{id}/revision/{revision}?blobs=true", self.endpoint);
        let mut response = self.get(&url, 0)?;
        if response.status() != 200 {
            return Err(self.refusal(repository, &url, &response));
        }
        let bad = |what: String| Failure::BadAnswer { url: url.clone(), what };
        let json = response.body_mut().with_config().limit(LONGEST_LISTING).read_to_vec();
        let json = json.map_err(|source| unreachable(&url, source))?;
        let answer: Answer = serde_json::from_slice(&json).map_err(|fault| bad(fault.to_string()))?;
        // These become names of files and folders.
        if !is_commit(&answer.sha) {
            return Err(bad(format!("`{}` is no commit", answer.sha)));
        }
        let mut files = Vec::new();
        for Sibling { rfilename: path, size, blob_id, lfs } in answer.siblings {
            let is_large = lfs.is_some();
            let (etag, bytes) = match (lfs, blob_id, size) {
                (Some(lfs), ..) => (lfs.sha256, lfs.size),
                (None, Some(blob), Some(size)) => (blob, size),
                _ => return Err(bad(format!("it does not say how large `{path}` is"))),
            };
            if etag.len() < 40 || !etag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(bad(format!("`{etag}` is no digest")));
            }
            files.push(ListedFile { path, bytes, etag, is_large });
        }
        Ok(Listing { commit: answer.sha, files })
    }

    /// Fetches one file of `repository` at `commit`.
    pub fn fetch(
        &self,
        repository: &Repository,
        commit: &str,
        incoming: &Incoming<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        let url = format!("{}/{}/resolve/{commit}/{}", self.endpoint, repository.id, incoming.file.path);
        let goes_on = incoming.arrived() > 0;
        match self.receive(repository, &url, incoming, progress) {
            // What had arrived before was not of this file: once more, from the start.
            Err(Halt::Source(Failure::WrongContent { .. } | Failure::WrongSize { .. })) if goes_on => {
                self.receive(repository, &url, incoming, progress)
            }
            outcome => outcome,
        }
    }

    fn receive(
        &self,
        repository: &Repository,
        url: &str,
        incoming: &Incoming<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        let (file, total) = (incoming.file.path, incoming.file.bytes);
        let mut attempt = 1;
        // An empty file is asked for as well: it must come to exist.
        while incoming.arrived() < total || total == 0 {
            let (from, body) = self.content(repository, url, incoming.arrived())?;
            let at = |bytes| progress(Progress::Fetching { file, bytes, total });
            match incoming.append(from, body.into_reader(), at) {
                Ok(()) => break,
                Err(CopyError::Write(error)) => return Err(error.into()),
                Err(CopyError::Read(source)) if attempt == ATTEMPTS => {
                    return Err(Halt::Source(Failure::Interrupted {
                        url: url.into(),
                        bytes: incoming.arrived(),
                        total,
                        source,
                    }));
                }
                Err(CopyError::Read(_)) => attempt += 1,
            }
        }
        incoming.finish()
    }

    /// A file's content from byte `from` on. The answer starts there, or at 0 where the server knows no ranges.
    fn content(&self, repository: &Repository, url: &str, from: u64) -> Result<(u64, Body), Failure> {
        let response = self.get(url, from)?;
        let starts_as_asked = || {
            let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
            Some(range.starts_with(&format!("bytes {from}-")))
        };
        match response.status().as_u16() {
            200 => Ok((0, response.into_body())),
            206 if starts_as_asked() == Some(true) => Ok((from, response.into_body())),
            401 | 403 => Err(self.refusal(repository, url, &response)),
            status => Err(Failure::Status { url: url.into(), status }),
        }
    }

    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        request.call().map_err(|source| unreachable(url, source))
    }

    /// What an answer without content means. The hub says it in a header; a bare 401 is what it answers for a name that
    /// does not exist, so that nobody can find out which private models there are.
    fn refusal(&self, repository: &Repository, url: &str, response: &Response<Body>) -> Failure {
        let status = response.status().as_u16();
        let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
        let name = repository.id.clone();
        match (status, code) {
            (_, Some("RevisionNotFound")) => {
                Failure::NoSuchRevision { repository: name, revision: repository.revision.clone() }
            }
            (_, Some("RepoNotFound")) | (404, _) => Failure::NoSuchRepository { repository: name },
            (401 | 403, _) => Failure::Refused { repository: name, status, with_token: self.token.is_some() },
            _ => Failure::Status { url: url.into(), status },
        }
    }
}

fn unreachable(url: &str, source: ureq::Error) -> Failure {
    Failure::Unreachable { url: url.into(), source: Box::new(source) }
}
