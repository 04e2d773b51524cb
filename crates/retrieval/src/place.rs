//! From what a user writes for an index, a folder or an address, to the retriever that is there.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::index::Index;
use crate::manifest::Manifest;
#[cfg(feature = "qdrant")]
use crate::qdrant::{QdrantAddress, QdrantIndex};
#[cfg(feature = "redis")]
use crate::redis::{IndexAddress, RedisIndex};
use crate::retriever::Retriever;

/// Where an index is. What prints it prints no password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a folder on this machine.
    Folder(PathBuf),
    /// On Qdrant.
    #[cfg(feature = "qdrant")]
    Qdrant(QdrantAddress),
    /// On Redis.
    #[cfg(feature = "redis")]
    Redis(IndexAddress),
}

impl Place {
    /// Reads what a user wrote. What has `://` in it is an address, and anything else a folder.
    ///
    /// # Errors
    /// [`Error::UnknownAddress`] if nothing here knows such addresses.
    pub fn parse(written: impl AsRef<OsStr>) -> Result<Place> {
        let written = written.as_ref();
        match written.to_str().and_then(|text| text.split_once("://")) {
            #[cfg(feature = "redis")]
            // A slash too few: nobody has such a folder, and its name, with a password, would be shown.
            None if written
                .to_str()
                .and_then(|text| text.split_once(":/"))
                .is_some_and(|(scheme, _)| IndexAddress::is_scheme(scheme)) =>
            {
                Ok(Place::Redis(IndexAddress::parse(written.to_str().unwrap_or_default())?))
            }
            None => Ok(Place::Folder(written.into())),
            #[cfg(feature = "qdrant")]
            Some((scheme, _)) if QdrantAddress::is_scheme(scheme) => {
                Ok(Place::Qdrant(QdrantAddress::parse(written.to_str().unwrap_or_default())?))
            }
            #[cfg(feature = "redis")]
            Some((scheme, _)) if IndexAddress::is_scheme(scheme) => {
                Ok(Place::Redis(IndexAddress::parse(written.to_str().unwrap_or_default())?))
            }
            Some((scheme, _)) => Err(Error::UnknownAddress { scheme: scheme.to_owned() }),
        }
    }

    /// The index there, to be searched.
    ///
    /// # Errors
    /// If there is none, or it cannot be opened.
    pub fn open(&self) -> Result<Box<dyn Retriever>> {
        match self {
            Place::Folder(folder) => Ok(Box::new(Index::open(folder)?)),
            #[cfg(feature = "qdrant")]
            Place::Qdrant(address) => Ok(Box::new(QdrantIndex::open(address.clone(), Default::default(), false)?)),
            #[cfg(feature = "redis")]
            Place::Redis(address) => Ok(Box::new(RedisIndex::open(address.clone(), Default::default(), false)?)),
        }
    }

    /// The index there, to be searched and changed.
    ///
    /// # Errors
    /// If there is none, or it cannot be opened so.
    pub fn open_writable(&self) -> Result<Box<dyn Retriever>> {
        match self {
            Place::Folder(folder) => Ok(Box::new(Index::open_writable(folder)?)),
            #[cfg(feature = "qdrant")]
            Place::Qdrant(address) => Ok(Box::new(QdrantIndex::open(address.clone(), Default::default(), true)?)),
            #[cfg(feature = "redis")]
            Place::Redis(address) => Ok(Box::new(RedisIndex::open(address.clone(), Default::default(), true)?)),
        }
    }

    /// A new index there.
    ///
    /// # Errors
    /// If something is there already, or nothing can be made there.
    pub fn create(&self, manifest: Manifest) -> Result<Box<dyn Retriever>> {
        match self {
            Place::Folder(folder) => Ok(Box::new(Index::create(folder, manifest)?)),
            #[cfg(feature = "qdrant")]
            Place::Qdrant(address) => Ok(Box::new(QdrantIndex::create(address.clone(), manifest, Default::default())?)),
            #[cfg(feature = "redis")]
            Place::Redis(address) => Ok(Box::new(RedisIndex::create(address.clone(), manifest, Default::default())?)),
        }
    }

    /// What the index there says of itself; `None` where there is none.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        let read = match self {
            Place::Folder(folder) => Manifest::read(folder),
            #[cfg(feature = "qdrant")]
            Place::Qdrant(address) => return QdrantIndex::manifest_at(address, &Default::default()),
            #[cfg(feature = "redis")]
            Place::Redis(address) => return RedisIndex::manifest_at(address, &Default::default()),
        };
        match read {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if error.is_no_index() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As it may be shown.
    pub fn shown(&self) -> &Path {
        match self {
            Place::Folder(folder) => folder,
            #[cfg(feature = "qdrant")]
            Place::Qdrant(address) => address.shown(),
            #[cfg(feature = "redis")]
            Place::Redis(address) => address.shown(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().display().fmt(formatter)
    }
}
