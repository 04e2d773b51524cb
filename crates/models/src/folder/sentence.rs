//! What sentence-transformers adds to a network: pooling, normalization, the longest input, prompts.
//!
//! The defaults are those of sentence-transformers 5 (`SentenceTransformer._load_auto_model`, `Transformer`, `Pooling`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use super::json::{self, Object};

/// How an encoder's token vectors become one vector. Padding never takes part; special tokens do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The first token's vector.
    Cls,
    /// The tokens' average.
    Mean,
    /// The largest value of each component.
    Max,
    /// The tokens' sum over the square root of their number.
    MeanSqrtLen,
}

impl Pooling {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::MeanSqrtLen => "mean_sqrt_len",
        }
    }
}

/// Text put before every input, as the model was trained; empty for most models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Before a query, such as `query: ` for the E5 models.
    pub query: String,
    /// Before a document, such as `passage: ` for the E5 models.
    pub document: String,
}

/// `modules.json` and the pooling's config.
pub struct Modules {
    /// The folder of the network, relative to the model's.
    pub transformer: PathBuf,
    pub pooling: Pooling,
    pub pools_prompts: bool,
    pub normalize: bool,
}

/// What sentence-transformers limits inputs to.
pub struct Limits {
    pub max_tokens: usize,
    pub lower_case: bool,
}

/// The file with the longest input and the lower-casing. Its name depended on the network in early versions.
pub const LIMITS: [&str; 6] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
];

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    path: PathBuf,
}

/// The folders that `modules.json` refers to, the network's first; none without such a file.
#[cfg(feature = "fetch")]
pub fn module_paths(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let modules = json::read::<Vec<Module>>(&folder.join("modules.json"))?.unwrap_or_default();
    Ok(modules.into_iter().map(|module| module.path).collect())
}

/// Reads `modules.json`. Without it: the network at the top, mean pooling, no normalization.
pub fn modules(folder: &Path) -> Result<Modules, Error> {
    let path = folder.join("modules.json");
    let Some(modules) = json::read::<Vec<Module>>(&path)? else {
        return Ok(Modules {
            transformer: PathBuf::new(),
            pooling: Pooling::Mean,
            pools_prompts: true,
            normalize: false,
        });
    };
    let mut modules = modules.into_iter();
    // Modules have moved between Python packages; the class name, which comes last, has stayed.
    let is = |module: &Module, class: &str| module.kind.rsplit('.').next() == Some(class);
    let unsupported = |module: Option<Module>, expected| Error::UnsupportedModule {
        path: path.clone(),
        module: module.map_or_else(|| "nothing".into(), |module| module.kind),
        expected,
    };
    let transformer = match modules.next() {
        Some(module) if is(&module, "Transformer") => module.path,
        other => return Err(unsupported(other, "Transformer")),
    };
    let (pooling, pools_prompts) = match modules.next() {
        Some(module) if is(&module, "Pooling") => pooling(folder.join(module.path).join("config.json"))?,
        other => return Err(unsupported(other, "Pooling")),
    };
    let normalize = match modules.next() {
        None => false,
        Some(module) if is(&module, "Normalize") => true,
        other => return Err(unsupported(other, "Normalize or the end")),
    };
    match modules.next() {
        None => Ok(Modules { transformer, pooling, pools_prompts, normalize }),
        other => Err(unsupported(other, "the end")),
    }
}

/// Reads the longest input and the lower-casing. `longest` is what the network can take.
pub fn limits(network: &Path, longest: Option<usize>) -> Result<Limits, Error> {
    /// Where nothing tells: BERT's.
    const DEFAULT: usize = 512;

    let mut config = None;
    for name in LIMITS {
        if config.is_none() {
            config = Object::read(&network.join(name))?;
        }
    }
    let (max_tokens, lower_case) = match &config {
        None => (None, false),
        Some(config) => {
            (config.optional_size("max_seq_length")?, config.optional_flag("do_lower_case")?.unwrap_or(false))
        }
    };
    let max_tokens = match max_tokens {
        Some(max_tokens) => max_tokens,
        None => tokenizer_limit(network)?.or(longest).unwrap_or(DEFAULT),
    };
    Ok(Limits {
        // A longer input has no position embedding: where the settings ask for more than there is, Python crashes.
        max_tokens: longest.map_or(max_tokens, |longest| max_tokens.min(longest)),
        lower_case,
    })
}

/// Reads the prompts for queries and documents: `encode_query` and `encode_document` of sentence-transformers look
/// for the same names in the same order. `None` where nothing is said; said to be empty is something else.
pub fn prompts(folder: &Path, pooled: bool) -> Result<Option<Prompts>, Error> {
    #[derive(Default, Deserialize)]
    struct Config {
        #[serde(default)]
        prompts: BTreeMap<String, Option<String>>,
        #[serde(default)]
        default_prompt_name: Option<String>,
    }

    let path = folder.join("config_sentence_transformers.json");
    let config = json::read::<Config>(&path)?.unwrap_or_default();
    let prompt = |names: &[&str]| {
        let default = config.default_prompt_name.as_deref();
        let mut names = names.iter().copied().chain(default);
        names.find_map(|name| config.prompts.get(name)?.clone())
    };
    let (query, document) = (prompt(&["query"]), prompt(&["document", "passage", "corpus"]));
    if query.is_none() && document.is_none() {
        return Ok(None);
    }
    let prompts = Prompts { query: query.unwrap_or_default(), document: document.unwrap_or_default() };
    if !pooled && prompts != Prompts::default() {
        return Err(Error::UnpooledPrompt);
    }
    Ok(Some(prompts))
}

/// The pooling, and whether prompts take part in it.
fn pooling(path: PathBuf) -> Result<(Pooling, bool), Error> {
    const MODES: [(&str, &str, bool); 6] = [
        ("pooling_mode_cls_token", "cls", false),
        // The one that is on unless it is switched off.
        ("pooling_mode_mean_tokens", "mean", true),
        ("pooling_mode_max_tokens", "max", false),
        ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len", false),
        ("pooling_mode_weightedmean_tokens", "weightedmean", false),
        ("pooling_mode_lasttoken", "lasttoken", false),
    ];

    let Some(config) = Object::read(&path)? else {
        return Err(Error::ModuleConfigMissing { path });
    };
    let mode = match config.optional_text("pooling_mode")? {
        Some(mode) => mode,
        None => {
            let mut modes = Vec::new();
            for (key, mode, default) in MODES {
                if config.optional_flag(key)?.unwrap_or(default) {
                    modes.push(mode);
                }
            }
            modes.join("+")
        }
    };
    let pooling = match mode.as_str() {
        "cls" => Pooling::Cls,
        "mean" => Pooling::Mean,
        "max" => Pooling::Max,
        "mean_sqrt_len" | "mean_sqrt_len_tokens" => Pooling::MeanSqrtLen,
        other => {
            return Err(Error::UnsupportedPooling {
                path: config.path().into(),
                mode: if other.is_empty() { "no" } else { other }.into(),
            });
        }
    };
    let pools_prompts = config.optional_flag("include_prompt")?.unwrap_or(true);
    Ok((pooling, pools_prompts))
}

/// `model_max_length` of the tokenizer. Python writes 10^30 for "no limit".
fn tokenizer_limit(network: &Path) -> Result<Option<usize>, Error> {
    const NO_LIMIT: f64 = 1e9;

    let Some(config) = Object::read(&network.join("tokenizer_config.json"))? else {
        return Ok(None);
    };
    match config.optional_number("model_max_length")? {
        Some(limit) if limit >= NO_LIMIT => Ok(None),
        _ => config.optional_size("model_max_length"),
    }
}
