//! The engine: an encoder and an index behind one door.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::Map;
use vetted_corpus::{Document, vector};
use vetted_encoder::models::{DEFAULT_MODEL, Progress};
use vetted_encoder::{Encoder, ModelFolder, Precision};
use vetted_kernels::Compute;
use vetted_retrieval::{Entry, Filter, Manifest, Place, Retriever, Upserted};

use crate::model::{Model, precision_name};
use crate::notice::{Notice, Notices};
use crate::passages::{AskedPassages, Encoders, Passages, entries, given_entries, renewed_views};
use crate::second_tier::{SecondTier, VerifierSource};
use crate::stored_views::{ViewStorage, is_of};
use crate::{Error, Verifier};

/// Documents that can be searched: in a folder on disk, or wherever else a [`Retriever`] keeps them.
///
/// Share one engine among threads: every method takes `&self`. Other processes may search the same folder while this
/// one writes to it; two may not write.
pub struct Engine {
    index: Box<dyn Retriever>,
    model: Model,
    passages: Passages,
    views: ViewStorage,
    verifier: SecondTier,
    compute: Compute,
    /// What the engine itself has to say, and whether it has said that views are of another verifier.
    notices: Notices,
    told_of_other_views: OnceLock<()>,
}

/// How an engine is made or opened. From [`Engine::builder`].
pub struct Builder<'progress> {
    folder: PathBuf,
    model: Option<String>,
    given: Option<(String, usize)>,
    precision: Option<Precision>,
    passages: AskedPassages,
    views: Option<ViewStorage>,
    verifier: VerifierSource,
    compute: Option<Compute>,
    progress: Option<OnProgress<'progress>>,
}

type OnProgress<'progress> = Box<dyn FnMut(Progress<'_>) + 'progress>;

/// What [`Engine::upsert`] did with the documents it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// New ones.
    pub added: usize,
    /// Ones that took the place of another with the same id.
    pub replaced: usize,
    /// Ones that were there already, word for word, and were not encoded again.
    pub unchanged: usize,
    /// Ones left out because a later one in the same batch has the same id.
    pub duplicates: usize,
}

/// So many documents for each processor are encoded before those who wait for a processor come first.
const DOCUMENTS_TOGETHER: usize = 8;

impl Engine {
    /// Begins with the index in `folder`, which need not exist yet: a folder on this machine, or an address that
    /// [`Place`] knows.
    pub fn builder<'progress>(folder: impl Into<PathBuf>) -> Builder<'progress> {
        Builder {
            folder: folder.into(),
            model: None,
            given: None,
            precision: None,
            passages: AskedPassages::default(),
            views: None,
            verifier: VerifierSource::default(),
            compute: None,
            progress: None,
        }
    }

    /// Opens the index in `folder` for searching, with the model it was made with.
    ///
    /// # Errors
    /// When there is no index, or it is damaged; [`Error`] says which.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Engine, Error> {
        Engine::builder(folder).open()
    }

    /// Adds documents, or replaces those with the same id. When it returns, they are on disk, all of them; when it
    /// fails, none of them is. Documents that are there already, word for word, cost next to nothing: after an
    /// interruption, index the same input again. (If another verifier made their views, these are renewed.)
    ///
    /// Batches of a few hundred documents keep all processors busy.
    ///
    /// # Errors
    /// When the model cannot be loaded, or the disk refuses; what was there before stays as it was.
    pub fn upsert(&self, documents: Vec<Document>) -> Result<Indexed, Error> {
        self.write(documents, &HashMap::new())
    }

    /// `origins` says by id where documents came from.
    pub(crate) fn write(&self, documents: Vec<Document>, origins: &HashMap<String, String>) -> Result<Indexed, Error> {
        let verifier = match self.views {
            ViewStorage::Int8 => Some(self.verifier()?),
            ViewStorage::None => None,
        };
        // Before anything is held against what is stored: of two texts with one id, the first may be the stored one.
        let (documents, duplicates) = last_of_each(documents);
        let given = documents.len();
        let (mut changed, mut there) = (Vec::with_capacity(given), Vec::new());
        let vectors =
            documents.iter().map(|document| self.given_vector(document)).collect::<Result<Vec<_>, Error>>()?;
        let are_there = self.are_there(&documents, &vectors)?;
        for ((document, vector), is_there) in documents.into_iter().zip(vectors).zip(are_there) {
            match is_there {
                true => there.push(document.id),
                false => changed.push((document, vector)),
            }
        }
        if let Some(verifier) = &verifier {
            self.renew_views(&there, verifier)?;
        }
        self.add_origins(&there, origins)?;
        let unchanged = there.len();
        if changed.is_empty() {
            return Ok(Indexed { unchanged, duplicates, ..Indexed::default() });
        }
        let encoded = match self.model.field() {
            Some(field) => given_entries(changed, field, verifier.as_deref(), &mut self.compute.team())?,
            None => self.encoded(changed.into_iter().map(|(document, _)| document).collect(), verifier.as_deref())?,
        };
        // The processors are free for others while the disk writes.
        let Upserted { added, replaced, .. } = self.index.upsert_from(encoded, origins)?;
        Ok(Indexed { added, replaced, unchanged, duplicates })
    }

    /// The vector that a document brings, of an index where they do.
    fn given_vector(&self, document: &Document) -> Result<Option<Vec<f32>>, Error> {
        let Some(field) = self.model.field() else { return Ok(None) };
        let vector = vector(document.metadata.get(field), Some(self.model.identity().dimensions));
        let unusable = |problem| {
            let (document, field) = (document.id.clone(), field.to_owned());
            Error::VectorUnusable { document, field, problem }
        };
        vector.map(Some).map_err(unusable)
    }

    /// Which of these documents exactly are in the index, with these vectors where documents bring theirs.
    fn are_there(&self, documents: &[Document], vectors: &[Option<Vec<f32>>]) -> Result<Vec<bool>, Error> {
        let session = self.index.session()?;
        let Some(field) = self.model.field() else {
            return Ok(session.unchanged(&documents.iter().collect::<Vec<_>>())?);
        };
        let mut stored = documents.to_vec();
        stored.iter_mut().for_each(|document| drop(document.metadata.shift_remove(field)));
        let unchanged = session.unchanged(&stored.iter().collect::<Vec<_>>())?;
        let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        let kept = session.vectors(&ids)?;
        Ok(unchanged.into_iter().zip(kept).zip(vectors).map(|((same, kept), given)| same && kept == *given).collect())
    }

    /// What [`upsert`](Self::upsert) would do with a document now. No model is loaded.
    ///
    /// # Errors
    /// When the index cannot be read, or the document's vector cannot be used.
    pub fn foresee(&self, document: &Document) -> Result<Indexed, Error> {
        let vector = self.given_vector(document)?;
        let is_there = self.are_there(std::slice::from_ref(document), std::slice::from_ref(&vector))?;
        Ok(if is_there == [true] {
            Indexed { unchanged: 1, ..Indexed::default() }
        } else if self.index.contains(&document.id)? {
            Indexed { replaced: 1, ..Indexed::default() }
        } else {
            Indexed { added: 1, ..Indexed::default() }
        })
    }

    /// Documents with the vectors of their passages.
    fn encoded(&self, mut documents: Vec<Document>, verifier: Option<&Verifier>) -> Result<Vec<Entry>, Error> {
        let encoder = self.model.encoder(self.folder())?;
        let encoders = Encoders { encoder: &encoder, verifier };
        let together = DOCUMENTS_TOGETHER * self.compute.threads();
        let mut encoded = Vec::with_capacity(documents.len());
        while !documents.is_empty() {
            let rest = documents.split_off(documents.len().min(together));
            let some = std::mem::replace(&mut documents, rest);
            encoded.extend(entries(some, self.passages, encoders, &mut self.compute.team())?);
        }
        Ok(encoded)
    }

    /// Makes the views of documents anew that another verifier made.
    fn renew_views(&self, ids: &[String], verifier: &Verifier) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let stale: Vec<&String> = self.index.read_views(ids, |records| {
            let stale = |(_, record): &(&String, &Option<&[u8]>)| record.is_some_and(|it| !is_of(it, verifier));
            ids.iter().zip(records).filter(stale).map(|(id, _)| id).collect()
        })?;
        let mut renewed = Vec::with_capacity(stale.len());
        for id in stale {
            let (Some(document), Some(passages)) = (self.index.get(id)?, self.index.passages(id)?) else { continue };
            renewed.extend(
                renewed_views(&document, passages, verifier, &mut self.compute.team())?
                    .map(|views| (id.clone(), views)),
            );
        }
        if !renewed.is_empty() {
            self.index.set_views(&renewed)?;
        }
        Ok(())
    }

    /// Removes the documents with these ids; says how many of them were there.
    ///
    /// # Errors
    /// When the disk refuses; then all of them are still there.
    pub fn delete<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<usize, Error> {
        Ok(self.index.delete(&ids.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
    }

    /// The ids of the documents that fit all of `filters`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<String>, Error> {
        Ok(self.index.session()?.ids_that_fit(filters)?)
    }

    /// The verifier, loaded at the first call.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn verifier(&self) -> Result<Arc<Verifier>, Error> {
        let loaded = |base: &ModelFolder| self.model.encoder_of(base, self.folder());
        self.verifier.get(self.model.precision(), &self.compute, &loaded)
    }

    /// The field in which documents of the index in `folder` bring their vectors, and of how many dimensions these are; `None`
    /// where they bring none, or where there is no index. Nothing is opened.
    ///
    /// # Errors
    /// When there is an index, and it cannot be read.
    pub fn given_vectors_of(folder: impl AsRef<Path>) -> Result<Option<(String, usize)>, Error> {
        let place = Place::parse(folder.as_ref())?;
        let Some(manifest) = place.manifest()? else { return Ok(None) };
        let model = Model::of(&manifest, place.shown())?;
        Ok(model.field().map(|field| (field.to_owned(), manifest.encoder.dimensions)))
    }

    /// The encoder of the index's model, loaded at the first call.
    ///
    /// # Errors
    /// When it cannot be loaded, or documents bring their vectors.
    pub fn encoder(&self) -> Result<Arc<Encoder>, Error> {
        self.model.encoder(self.folder())
    }

    /// Whether the index's vectors are those of the encoder with this fingerprint.
    pub(crate) fn is_of_encoder(&self, fingerprint: &str) -> bool {
        self.model.identity().fingerprint == fingerprint
    }

    /// The document with this id.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Document>, Error> {
        Ok(self.index.get(id)?)
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn len(&self) -> Result<usize, Error> {
        Ok(self.index.len()?)
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.index.is_empty()?)
    }

    /// Brings what speeds searches up to date on disk, so that the next process opens faster. Nothing is lost without.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&self) -> Result<(), Error> {
        self.index.finish()?;
        self.forward_notices();
        Ok(())
    }

    /// What happened since the last call that the user should know, such as a cache that had to be rebuilt; of very many, the
    /// latest. Each is also said when it happens, as a [`tracing`] event.
    pub fn notices(&self) -> Vec<Notice> {
        self.forward_notices();
        self.notices.take()
    }

    /// The metadata field in which documents bring their vectors, if they do.
    pub fn vector_field(&self) -> Option<&str> {
        self.model.field()
    }

    /// Whether the index keeps what verification needs, or candidates are encoded when they are found.
    pub fn views(&self) -> ViewStorage {
        self.views
    }

    pub(crate) fn notice_other_views(&self) {
        if self.told_of_other_views.set(()).is_ok() {
            self.notices.say(Notice::OtherViews);
        }
    }

    pub(crate) fn notice(&self, notice: Notice) {
        self.notices.say(notice);
    }

    /// Says what the index did on its own account.
    pub(crate) fn forward_notices(&self) {
        self.index.notices().into_iter().for_each(|notice| self.notices.say(Notice::Index(notice)));
    }

    fn of(builder: Builder<'_>, index: Box<dyn Retriever>, model: Model) -> Engine {
        let Builder { verifier, compute, .. } = builder;
        let settings = &index.manifest().passage_options;
        let (passages, views) = (Passages::of_settings(settings), ViewStorage::of(settings));
        let (notices, told_of_other_views) = (Notices::default(), OnceLock::new());
        let (verifier, compute) = (SecondTier::new(verifier), compute.unwrap_or_default());
        let engine = Engine { index, model, passages, views, verifier, compute, notices, told_of_other_views };
        engine.forward_notices();
        engine
    }

    /// The processors that it computes on.
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// The index beneath, for what the engine does not offer.
    pub fn index(&self) -> &dyn Retriever {
        &*self.index
    }

    /// The folder that the index is in, or its address, as it may be shown.
    pub fn folder(&self) -> &Path {
        self.index.location()
    }

    /// The name of the index's model.
    pub fn model(&self) -> &str {
        &self.model.identity().name
    }
}

/// The documents without those that a later one with the same id replaces, and how many these are.
fn last_of_each(mut documents: Vec<Document>) -> (Vec<Document>, usize) {
    let given = documents.len();
    let last: HashMap<String, usize> =
        documents.iter().enumerate().map(|(at, document)| (document.id.clone(), at)).collect();
    let mut at = 0;
    documents.retain(|document| {
        at += 1;
        last.get(&document.id) == Some(&(at - 1))
    });
    let duplicates = given - documents.len();
    (documents, duplicates)
}

impl<'progress> Builder<'progress> {
    /// The encoder: a known or registered name, or a model folder. Unless told, a new index gets
    /// [`DEFAULT_MODEL`], and an existing one keeps its own; asking an existing index for another is an error.
    pub fn model(mut self, name_or_path: impl Into<String>) -> Self {
        self.model = Some(name_or_path.into());
        self
    }

    /// Documents of a new index bring vectors of so many dimensions, made by an encoder of your own, in `field` of their
    /// metadata; nothing is cut into passages, and queries bring theirs by [`Search::vector`](crate::Search::vector). Texts are ranked by the inner
    /// product. The verifier reads the texts, with its own encoder. Asking an index that was made
    /// otherwise for this is an error.
    pub fn given_vectors(mut self, field: impl Into<String>, dimensions: usize) -> Self {
        self.given = Some((field.into(), dimensions));
        self
    }

    /// The arithmetic of a new index's encoder, and of the verifier's; [`Encoder::fastest`] unless told. An existing index keeps
    /// its own; asking it for another is an error.
    pub fn precision(mut self, precision: impl Into<Option<Precision>>) -> Self {
        self.precision = precision.into();
        self
    }

    /// How a new index cuts documents. An existing index keeps its own way; asking it for another is an error.
    pub fn passages(mut self, passages: Passages) -> Self {
        self.passages = AskedPassages { all: Some(passages), ..AskedPassages::default() };
        self
    }

    /// The longest passage in tokens, as [`passages`](Self::passages) for this alone.
    pub fn max_tokens(mut self, max_tokens: impl Into<Option<usize>>) -> Self {
        self.passages.max_tokens = max_tokens.into();
        self
    }

    /// How many tokens two neighboring passages share at most, as [`passages`](Self::passages) for this alone.
    pub fn overlap_tokens(mut self, overlap_tokens: impl Into<Option<usize>>) -> Self {
        self.passages.overlap_tokens = overlap_tokens.into();
        self
    }

    /// Whether a new index keeps what verification needs; it does unless told. An existing index keeps its own way; asking it for
    /// another is an error.
    pub fn views(mut self, views: impl Into<Option<ViewStorage>>) -> Self {
        self.views = views.into();
        self
    }

    /// The verifier that searches ask, instead of the shipped one: a folder, or one that is open already and that engines
    /// may share. It is loaded at the first search that verifies, with the arithmetic of the index's encoder.
    pub fn verifier(mut self, verifier: impl Into<VerifierSource>) -> Self {
        self.verifier = verifier.into();
        self
    }

    /// The processors to compute on, which engines may share; those that the whole process shares unless told.
    pub fn compute(mut self, compute: Compute) -> Self {
        self.compute = Some(compute);
        self
    }

    /// Is told how the download of a missing model comes along.
    pub fn progress(mut self, progress: impl FnMut(Progress<'_>) + 'progress) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Opens an existing index for searching.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it was made with another model or other settings than those asked for.
    pub fn open(self) -> Result<Engine, Error> {
        let index = self.place()?.open()?;
        self.with(index)
    }

    /// Opens an existing index for searching and changing.
    ///
    /// # Errors
    /// As [`open`](Self::open), and at once if another process is changing it.
    pub fn open_writable(self) -> Result<Engine, Error> {
        let index = self.place()?.open_writable()?;
        self.with(index)
    }

    /// Makes a new index in an empty or missing folder.
    ///
    /// # Errors
    /// When the folder holds anything, or the model cannot be had.
    pub fn create(mut self) -> Result<Engine, Error> {
        let name = self.model.as_deref().unwrap_or(DEFAULT_MODEL);
        let progress: &mut dyn FnMut(Progress<'_>) = match &mut self.progress {
            Some(progress) => progress,
            None => &mut |_| {},
        };
        let model = match &self.given {
            Some((field, dimensions)) => {
                Model::given(field, *dimensions, self.precision.unwrap_or_else(Precision::fastest))
            }
            None => Model::fetch(name, self.precision, progress)?,
        };
        let mut settings = Map::new();
        model.write_to(&mut settings);
        self.passages.or(Passages::default()).write_to(&mut settings);
        self.views.unwrap_or_default().write_to(&mut settings);
        let index = self.place()?.create(Manifest::new(model.identity().clone(), settings))?;
        Ok(Engine::of(self, index, model))
    }

    /// [`open_writable`](Self::open_writable) where there is an index, [`create`](Self::create) where there is none.
    ///
    /// # Errors
    /// Those of the one it comes to.
    pub fn open_or_create(self) -> Result<Engine, Error> {
        match self.place()?.open_writable() {
            Ok(index) => self.with(index),
            Err(error) if error.is_no_index() => self.create(),
            Err(error) => Err(error.into()),
        }
    }

    fn place(&self) -> Result<Place, Error> {
        Ok(Place::parse(&self.folder)?)
    }

    fn with(self, index: Box<dyn Retriever>) -> Result<Engine, Error> {
        let model = Model::of(index.manifest(), index.location())?;
        if let Some(asked) = &self.model {
            model.check_is(asked, index.location())?;
        }
        if let Some((field, _)) = &self.given {
            model.check_given(field, index.location())?;
        }
        let settings = &index.manifest().passage_options;
        if let Some(precision) = self.precision {
            check(&*index, "precision", precision_name(model.precision()), precision_name(precision))?;
        }
        let passages = Passages::of_settings(settings);
        // Given vectors are of whole documents, whatever is set.
        if model.field().is_none() {
            check(&*index, "passages of", passages, self.passages.or(passages))?;
        }
        if let Some(views) = self.views {
            check(&*index, "views", ViewStorage::of(settings).name(), views.name())?;
        }
        Ok(Engine::of(self, index, model))
    }
}

/// Fails where an index is asked to be otherwise than it is.
fn check<Value: PartialEq + ToString>(
    index: &dyn Retriever,
    setting: &'static str,
    own: Value,
    asked: Value,
) -> Result<(), Error> {
    if own == asked {
        return Ok(());
    }
    let (expected, got) = (own.to_string(), asked.to_string());
    Err(Error::SettingMismatch { index: index.location().to_owned(), setting, expected, got })
}
