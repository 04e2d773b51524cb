//! Where models are kept and where they come from, as the environment says. The only place that reads it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::{Cache, Error, Network};

const HUB: &str = "https://huggingface.co";

impl Cache {
    /// The cache as the environment describes it.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `VETTED_HOME` | the cache folder; else `$XDG_CACHE_HOME/vetted`, else the system's place for caches (`~/.cache/vetted` on Linux) |
    /// | `VETTED_PYTHON` | the Python whose pip is the second source (`python3`; `python` on Windows) |
    /// | `VETTED_OFFLINE` | `1`: nothing is fetched from anywhere |
    /// | `HF_HUB_OFFLINE` | `1`: nothing is fetched from the hub |
    /// | `HF_ENDPOINT` | the hub's address, for a mirror |
    ///
    /// # Errors
    /// [`Error::NoHome`] when no variable says where a cache folder could be.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let is_on = |name: &str| {
            let value = variable(name).unwrap_or_default();
            let value = value.to_string_lossy().to_lowercase();
            ["1", "true", "yes", "on"].contains(&value.as_str())
        };
        let network = if is_on("VETTED_OFFLINE") {
            Network::Off
        } else if is_on("HF_HUB_OFFLINE") {
            Network::WithoutHub
        } else {
            Network::On
        };
        let hub = variable("HF_ENDPOINT").map(|hub| hub.to_string_lossy().into_owned());
        let python = if cfg!(windows) { "python" } else { "python3" };
        Ok(Self {
            home: home(&variable).ok_or(Error::NoHome)?,
            hub: hub.unwrap_or_else(|| HUB.into()).trim_end_matches('/').into(),
            python: variable("VETTED_PYTHON").map_or_else(|| python.into(), PathBuf::from),
            network,
        })
    }
}

fn home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(home) = variable("VETTED_HOME") {
        return Some(home.into());
    }
    // The XDG specification has relative paths ignored.
    let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = xdg.filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            return variable("LOCALAPPDATA").map(PathBuf::from);
        }
        let home = variable("HOME").map(PathBuf::from)?;
        Some(home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
    });
    Some(caches?.join("vetted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> Result<Cache, Error> {
        Cache::from_variables(|name| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(value.into())
        })
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn home_is_found_in_order() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[("VETTED_HOME", "/v"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/v"),
            (&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/x/vetted"),
            (&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")], "/h/.cache/vetted"),
            (&[("HOME", "/h")], "/h/.cache/vetted"),
        ];
        for (variables, home) in cases {
            assert_eq!(cache(variables).unwrap().home, PathBuf::from(home), "{variables:?}");
        }
        assert!(matches!(cache(&[]), Err(Error::NoHome)));
    }

    #[test]
    fn switches_and_addresses_are_read() {
        let with = |more: &[(&str, &str)]| cache(&[&[("VETTED_HOME", "/v")], more].concat()).unwrap();
        assert_eq!(with(&[]).hub, "https://huggingface.co");
        assert_eq!(with(&[("HF_ENDPOINT", "http://mirror/")]).hub, "http://mirror");
        assert_eq!(with(&[("VETTED_PYTHON", "/py")]).python, PathBuf::from("/py"));
        assert_eq!(with(&[("VETTED_OFFLINE", "0")]).network, Network::On);
        assert_eq!(with(&[("HF_HUB_OFFLINE", "True")]).network, Network::WithoutHub);
        let both = [("HF_HUB_OFFLINE", "1"), ("VETTED_OFFLINE", "yes")];
        assert_eq!(with(&both).network, Network::Off);
    }
}
