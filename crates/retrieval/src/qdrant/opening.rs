//! An index on Qdrant: making and opening it, and everything that is asked of it without a search.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CollectionInfo, CountPoints, CreateCollection, CreateFieldIndexCollection, Distance, FieldType, HnswConfigDiff,
    MultiVectorComparator, MultiVectorConfig, PointId, SparseVectorConfig, SparseVectorParams, Value, VectorParams,
    VectorParamsMap, VectorsConfig,
};
use serde::{Deserialize, Serialize};

use super::QdrantAddress;
use super::connection::Connection;
use super::failure::failure;
use super::filtering::{INDEXED, INDEXED_OF_PASSAGES};
use super::points::{DENSE, PASSAGE, Payload, WORDS, count, decode_origins, text};
use super::session::QdrantSession;
use super::words::Size;
use super::writing::now;
use crate::check::Check;
use crate::error::{Error, Result, ServerProblem};
use crate::manifest::Manifest;
use crate::notice::Notice;
use crate::retriever::{Holdings, Retriever, Session};
use crate::writing::{Entry, Upserted};

/// An index on Qdrant: see the [module](super) for what is kept where.
pub struct QdrantIndex {
    pub(super) connection: Arc<Connection>,
    pub(super) manifest: Manifest,
    size: Arc<Size>,
    created: i64,
    writable: bool,
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A new connection.
    pub connect: Duration,
    /// A search.
    pub search: Duration,
    /// One batch of changes.
    pub change: Duration,
    /// For so long, changes that fail because the server cannot be reached are tried again.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connect: Duration::from_millis(500),
            search: Duration::from_secs(1),
            change: Duration::from_secs(30),
            patience: Duration::from_secs(20),
        }
    }
}

/// What the collection's metadata say under [`DESCRIPTION`], as JSON in a text: Qdrant gives it back letter for letter.
#[derive(Serialize, Deserialize)]
struct Description {
    /// Of what is kept where.
    layout: u32,
    /// When it was made, in seconds since 1970.
    created: i64,
    manifest: Manifest,
}

const DESCRIPTION: &str = "vetted";
/// What this version keeps where.
const LAYOUT: u32 = 1;
/// The oldest server that keeps what a collection says of itself: major and minor.
const OLDEST: (u32, u32) = (1, 16);

impl QdrantIndex {
    /// Opens the index at `address`.
    ///
    /// # Errors
    /// When there is none, the server cannot be used, or the collection is something else.
    pub fn open(address: QdrantAddress, settings: Settings, writable: bool) -> Result<QdrantIndex> {
        let connection = connect(address, settings)?;
        let Some((description, info)) = describe(&connection)? else {
            let address = &connection.address;
            let message =
                format!("there is no index at {address}: create it with `vetted index --into`, or check its name");
            return Err(failure(ServerProblem::NotThere, message));
        };
        check_vectors(&connection, &description.manifest, &info)?;
        let index = QdrantIndex::assemble(connection, description, writable);
        let of_passages = collection(&index.connection, index.connection.address.passages())?.ok_or_else(|| {
            unsuitable(format!(
                "the index at {} lacks its second collection, {}: somebody removed it. Index the documents again, under another name",
                index.connection.address,
                index.connection.address.passages()
            ))
        })?;
        let missing = lacking(&INDEXED, &info).chain(lacking(&INDEXED_OF_PASSAGES, &of_passages)).next().is_some();
        if writable {
            // What the key may not do is said now, and not with the first document. There is no such point.
            index.remove(vec![PointId::from("00000000-0000-0000-0000-000000000000")])?;
        }
        match (missing, writable) {
            (true, true) => index.make_field_indexes()?,
            (true, false) => {
                return Err(unsuitable(format!(
                    "the index at {} was not made to its end: write something to it, as with `vetted index --into`, and it is",
                    index.connection.address
                )));
            }
            (false, _) => {}
        }
        Ok(index)
    }

    /// Makes an index at `address`.
    ///
    /// # Errors
    /// When there is one already, or the server cannot be used.
    pub fn create(address: QdrantAddress, manifest: Manifest, settings: Settings) -> Result<QdrantIndex> {
        if manifest.encoder.dimensions == 0 {
            return Err(Error::NoDimensions { name: manifest.encoder.name });
        }
        let connection = connect(address, settings)?;
        let (size, distance) = (manifest.encoder.dimensions as u64, Distance::Dot.into());
        let passage = VectorParams { size, distance, ..VectorParams::default() };
        let dense = VectorParams {
            multivector_config: Some(MultiVectorConfig { comparator: MultiVectorComparator::MaxSim.into() }),
            // Without a graph: the passages have one.
            hnsw_config: Some(HnswConfigDiff { m: Some(0), ..HnswConfigDiff::default() }),
            ..passage
        };
        let vectors = |name: &str, params: VectorParams| {
            let map = [(name.to_owned(), params)].into();
            Some(VectorsConfig { config: Some(Config::ParamsMap(VectorParamsMap { map })) })
        };
        let description = Description { layout: LAYOUT, created: now(), manifest };
        let json = serde_json::to_string(&description).unwrap_or_default();
        let of_passages = CreateCollection {
            collection_name: connection.address.passages(),
            vectors_config: vectors(PASSAGE, passage),
            shard_number: connection.address.shards,
            replication_factor: connection.address.replicas,
            ..CreateCollection::default()
        };
        let of_documents = CreateCollection {
            collection_name: connection.address.name.clone(),
            vectors_config: vectors(DENSE, dense),
            sparse_vectors_config: Some(SparseVectorConfig {
                map: [(WORDS.to_owned(), SparseVectorParams::default())].into(),
            }),
            metadata: [(DESCRIPTION.to_owned(), Value::from(json))].into(),
            ..of_passages.clone()
        };
        if describe(&connection)?.is_some() {
            return Err(there_already(&connection.address));
        }
        // Who was killed here before has left the first of the two.
        make(&connection, of_passages, true)?;
        // With the second, the index is there.
        make(&connection, of_documents, false)?;
        let index = QdrantIndex::assemble(connection, description, true);
        index.make_field_indexes()?;
        Ok(index)
    }

    /// What the index at `address` says of itself.
    ///
    /// # Errors
    /// When the server cannot be used, or something else is there.
    pub fn manifest_at(address: &QdrantAddress, settings: &Settings) -> Result<Option<Manifest>> {
        let connection = connect(address.clone(), settings.clone())?;
        Ok(describe(&connection)?.map(|(description, _)| description.manifest))
    }

    fn assemble(connection: Connection, description: Description, writable: bool) -> QdrantIndex {
        let Description { created, manifest, .. } = description;
        QdrantIndex { connection: Arc::new(connection), manifest, size: Arc::default(), created, writable }
    }

    fn make_field_indexes(&self) -> Result<()> {
        let (documents, passages) = (self.connection.address.name.clone(), self.connection.address.passages());
        INDEXED.iter().try_for_each(|(field, kind)| self.make_field_index(&documents, field, *kind))?;
        INDEXED_OF_PASSAGES.iter().try_for_each(|(field, kind)| self.make_field_index(&passages, field, *kind))
    }

    fn make_field_index(&self, collection: &str, field: &str, kind: FieldType) -> Result<()> {
        let request = CreateFieldIndexCollection {
            collection_name: collection.to_owned(),
            wait: Some(true),
            field_name: field.to_owned(),
            field_type: Some(kind.into()),
            ..CreateFieldIndexCollection::default()
        };
        self.connection.ask_patiently("a new index of a field", self.connection.settings.patience, |client| {
            let request = request.clone();
            async move { client.create_field_index(request).await }
        })?;
        Ok(())
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        match self.writable {
            true => Ok(()),
            false => Err(Error::ReadOnly { path: self.connection.address.shown().to_owned() }),
        }
    }

    pub(super) fn qdrant_session(&self) -> QdrantSession {
        QdrantSession::new(self.connection.clone(), self.size.clone(), self.manifest.encoder.dimensions)
    }
}

/// Connects, and looks at the server's version.
fn connect(address: QdrantAddress, settings: Settings) -> Result<Connection> {
    // A server that does not answer is told soon, and not after the time that a batch may take.
    let within = (2 * settings.connect).max(settings.search);
    let connection = Connection::to(address, settings)?;
    let said = connection.ask("its version", within, |client| async move { client.health_check().await })?;
    let mut numbers = said.version.trim_start_matches('v').split('.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(connection),
        _ => Err(unsuitable(format!(
            "the server of {} is {} {}; vetted needs Qdrant {}.{} or later, which keeps what a collection says of itself. Install a \
             later one (https://qdrant.tech/documentation/guides/installation), or keep the index in a folder",
            connection.address, said.title, said.version, OLDEST.0, OLDEST.1
        ))),
    }
}

/// Makes a collection. One that is there already is an error, or is taken as it is.
fn make(connection: &Connection, request: CreateCollection, may_be_there: bool) -> Result<()> {
    let made = connection.ask("a new collection", connection.settings.change, |client| async move {
        client.create_collection(request).await
    });
    match made {
        Ok(_) => Ok(()),
        Err(error) if !error.to_string().contains("already exists") => Err(error),
        Err(_) if may_be_there => Ok(()),
        Err(_) => Err(there_already(&connection.address)),
    }
}

fn there_already(address: &QdrantAddress) -> Error {
    unsuitable(format!("at {address} there is an index already: open it, or choose another name"))
}

/// Which indexes of fields a collection lacks.
fn lacking<'all>(
    all: &'all [(&'static str, FieldType)],
    info: &'all CollectionInfo,
) -> impl Iterator<Item = &'all (&'static str, FieldType)> {
    all.iter().filter(|(field, _)| !info.payload_schema.contains_key(*field))
}

/// What the server says of a collection; `None` where there is none.
fn collection(connection: &Connection, name: String) -> Result<Option<CollectionInfo>> {
    let within = (2 * connection.settings.connect).max(connection.settings.search);
    let what = "what the collection is";
    match connection.ask(what, within, |client| async move { client.collection_info(name).await }) {
        Ok(found) => found.result.map(Some).ok_or_else(|| connection.unexpected(what, "it is empty")),
        Err(error) if error.is_no_index() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the collection says of itself.
fn describe(connection: &Connection) -> Result<Option<(Description, CollectionInfo)>> {
    let Some(info) = collection(connection, connection.address.name.clone())? else { return Ok(None) };
    let mut metadata: Payload = info.config.as_ref().map(|config| config.metadata.clone()).unwrap_or_default();
    let strange = |reason: &str| {
        unsuitable(format!(
            "the collection at {} does not say that it is an index ({reason}): somebody else's documents are there, or another version \
             of vetted wrote it. Choose another name for the index, or update vetted",
            connection.address
        ))
    };
    let Some(json) = text(&mut metadata, DESCRIPTION) else {
        return Err(strange(&format!("its metadata have no `{DESCRIPTION}`")));
    };
    let description: Description = serde_json::from_str(&json).map_err(|error| strange(&error.to_string()))?;
    if description.layout != LAYOUT {
        return Err(strange(&format!("its layout is {}, and this version knows {LAYOUT}", description.layout)));
    }
    Ok(Some((description, info)))
}

/// Looks at what vectors the collection has, before anything is asked of them.
fn check_vectors(connection: &Connection, manifest: &Manifest, info: &CollectionInfo) -> Result<()> {
    let params = info.config.as_ref().and_then(|config| config.params.as_ref());
    let config = params.and_then(|params| params.vectors_config.as_ref()?.config.as_ref());
    let dense = match config {
        Some(Config::ParamsMap(params)) => params.map.get(DENSE),
        _ => None,
    };
    let words = params.and_then(|params| params.sparse_vectors_config.as_ref()?.map.get(WORDS));
    let (Some(dense), Some(_)) = (dense, words) else {
        return Err(unsuitable(format!(
            "the collection at {} lacks the vectors `{DENSE}` or `{WORDS}`: it was changed since it was made. Index the documents again, \
             under another name",
            connection.address
        )));
    };
    let expected = manifest.encoder.dimensions;
    if dense.size != expected as u64 || dense.distance != Distance::Dot as i32 || dense.multivector_config.is_none() {
        return Err(unsuitable(format!(
            "at {} the vectors have {} values where the index's encoder, {}, makes {expected}, or they are compared otherwise: another \
             encoder's were put there. Choose another name for the index, or index the documents again",
            connection.address, dense.size, manifest.encoder.name
        )));
    }
    Ok(())
}

fn unsuitable(message: String) -> Error {
    failure(ServerProblem::Unsuitable, message)
}

impl Retriever for QdrantIndex {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn location(&self) -> &Path {
        self.connection.address.shown()
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.qdrant_session()))
    }

    fn len(&self) -> Result<usize> {
        let (collection_name, exact) = (self.connection.address.name.clone(), Some(true));
        let request = CountPoints { collection_name, exact, ..CountPoints::default() };
        let counted = self.connection.ask_patiently("a count", self.connection.settings.search, |client| {
            let request = request.clone();
            async move { client.count(request).await }
        })?;
        Ok(counted.result.map_or(0, |result| result.count as usize))
    }

    fn holdings(&self) -> Result<Holdings> {
        let time = |seconds: u64| (seconds > 0).then(|| UNIX_EPOCH + Duration::from_secs(seconds));
        let created: Option<SystemTime> = time(u64::try_from(self.created).unwrap_or(0));
        let mut holdings = Holdings { created, changed: created, ..Holdings::default() };
        let dimensions = self.manifest.encoder.dimensions as u64;
        self.qdrant_session().walk(None, &["vectors", "bytes", "viewed", "written"], &[], |point| {
            let [vectors, bytes, viewed, written] =
                ["vectors", "bytes", "viewed", "written"].map(|name| count(&point.payload, name));
            holdings.documents += 1;
            holdings.passages += vectors as usize;
            holdings.bytes += bytes + viewed + 2 * vectors * dimensions * 4;
            holdings.bytes_of_views += viewed;
            holdings.changed = holdings.changed.max(time(written));
        })?;
        Ok(holdings)
    }

    fn upsert_from(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        self.put_all(&entries, origins)
    }

    fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        self.set_all_views(views)
    }

    fn set_origins(&self, origins: &[(String, Vec<String>)]) -> Result<usize> {
        self.set_all_origins(origins)
    }

    fn delete(&self, ids: &[&str]) -> Result<usize> {
        self.delete_all(ids)
    }

    fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>> {
        self.qdrant_session().origins(ids)
    }

    fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>> {
        let mut all = Vec::new();
        self.qdrant_session().walk(None, &["id", "origins"], &[], |mut point| {
            let origins = decode_origins(&point.payload);
            all.extend(text(&mut point.payload, "id").map(|id| (id, origins)));
        })?;
        Ok(all)
    }

    fn finish(&self) -> Result<()> {
        // Qdrant brings its graphs up to date on its own.
        Ok(())
    }

    fn check(&self) -> Result<Check> {
        self.check_all()
    }

    fn notices(&self) -> Vec<Notice> {
        Vec::new()
    }
}
