//! Tiny folders, right and wrong.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const BERT: &str = r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "hidden_act": "gelu", "vocab_size": 30, "max_position_embeddings": 64}"#;
const ROBERTA: &str = r#"{"model_type": "xlm-roberta", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 16, "hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "vocab_size": 30,
    "max_position_embeddings": 66, "pad_token_id": 1, "type_vocab_size": 1}"#;
const DISTILBERT: &str = r#"{"model_type": "distilbert", "dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 16,
    "activation": "relu", "vocab_size": 30, "max_position_embeddings": 64}"#;
const MPNET: &str = r#"{"model_type": "mpnet", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "hidden_act": "gelu", "vocab_size": 30, "max_position_embeddings": 66, "pad_token_id": 1,
    "relative_attention_num_buckets": 32}"#;
const MODERN: &str = r#"{"model_type": "modernbert", "hidden_size": 8, "max_position_embeddings": 8192}"#;
const MODULES: &str = r#"[{"type": "sentence_transformers.models.Transformer", "path": ""},
    {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}]"#;
const MEAN: &str = r#"{"word_embedding_dimension": 8, "pooling_mode_mean_tokens": true}"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(folder.path(), name, content);
    }
    folder
}

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A BERT folder with safetensors, a tokenizer and these files.
fn bert(files: &[(&str, &str)]) -> TempDir {
    let base = [("config.json", BERT), ("tokenizer.json", "{}"), ("model.safetensors", "w")];
    folder(&[&base, files].concat())
}

fn settings(folder: &TempDir) -> Settings {
    ModelFolder::open(folder.path()).unwrap().settings
}

fn error(folder: &TempDir) -> Error {
    ModelFolder::open(folder.path()).unwrap_err()
}

#[test]
fn a_bare_transformers_folder_gets_sentence_transformers_defaults() {
    let folder = bert(&[]);
    let opened = ModelFolder::open(folder.path()).unwrap();
    assert_eq!(opened.settings.pooling, Pooling::Mean);
    assert!(!opened.settings.normalize);
    assert!(!opened.settings.lower_case);
    assert_eq!(opened.settings.max_tokens, 64);
    assert_eq!(opened.settings.prompts, Prompts::default());
    assert_eq!(opened.name, folder.path().file_name().unwrap().to_str().unwrap());
    assert_eq!(opened.weights.safetensors, Some(folder.path().join("model.safetensors")));
    assert_eq!(opened.weights.onnx, None);
}

#[test]
fn every_sentence_transformers_file_is_honoured() {
    let opened = settings(&bert(&[
        ("modules.json", MODULES),
        ("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#),
        ("sentence_bert_config.json", r#"{"max_seq_length": 32, "do_lower_case": true}"#),
        (
            "config_sentence_transformers.json",
            r#"{"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": null}"#,
        ),
    ]));
    assert_eq!(opened.pooling, Pooling::Cls);
    assert!(opened.normalize);
    assert!(opened.lower_case);
    assert_eq!(opened.max_tokens, 32);
    assert_eq!(opened.prompts.query, "query: ");
    assert_eq!(opened.prompts.document, "passage: ");
}

#[test]
fn early_folders_keep_the_network_in_a_folder_of_its_own() {
    let modules = r#"[{"idx": 0, "name": "0", "type": "sentence_transformers.models.Transformer", "path": "0_Transformer"},
        {"idx": 1, "name": "1", "type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]"#;
    let opened = ModelFolder::open(
        folder(&[
            ("modules.json", modules),
            ("1_Pooling/config.json", MEAN),
            ("0_Transformer/config.json", ROBERTA),
            ("0_Transformer/tokenizer.json", "{}"),
            ("0_Transformer/model.safetensors", "w"),
            ("0_Transformer/sentence_roberta_config.json", r#"{"max_seq_length": 40}"#),
        ])
        .path(),
    )
    .unwrap();
    assert!(!opened.settings.normalize);
    assert_eq!(opened.settings.max_tokens, 40);
    assert!(opened.tokenizer.ends_with("0_Transformer/tokenizer.json"));
}

#[test]
fn architectures_are_read() {
    let shape = |family, heads, activation, layer_norm_epsilon, max_positions| Transformer {
        family,
        hidden_size: 8,
        layers: 2,
        heads,
        intermediate_size: 16,
        layer_norm_epsilon,
        activation,
        vocabulary: 30,
        max_positions,
    };
    let roberta = Family::Roberta { token_types: 1, padding: 1 };
    let mpnet = Family::Mpnet { relative_attention_buckets: 32, padding: 1 };
    let cases = [
        (BERT, shape(Family::Bert { token_types: 2 }, 2, Activation::Gelu, 1e-12, 64), 64),
        (ROBERTA, shape(roberta, 4, Activation::GeluTanh, 1e-5, 66), 64),
        (DISTILBERT, shape(Family::DistilBert, 2, Activation::Relu, 1e-12, 64), 64),
        (MPNET, shape(mpnet, 2, Activation::Gelu, 1e-12, 66), 64),
    ];
    for (config, expected, max_tokens) in cases {
        let opened = settings(&bert(&[("config.json", config)]));
        assert_eq!(opened.architecture, Architecture::Native(expected), "{config}");
        assert_eq!(opened.max_tokens, max_tokens, "{config}");
    }
}

#[test]
fn other_encoders_run_from_onnx() {
    let opened = settings(&folder(&[("config.json", MODERN), ("tokenizer.json", "{}"), ("onnx/model.onnx", "w")]));
    assert_eq!(
        opened.architecture,
        Architecture::OnnxOnly { model_type: "modernbert".into(), hidden_size: Some(8), max_positions: Some(8192) }
    );
    assert_eq!(opened.max_tokens, 8192);
}

#[test]
fn the_longest_input_is_the_least_of_what_is_said() {
    let tokenizer = "tokenizer_config.json";
    let sentence = "sentence_bert_config.json";
    let cases: [(&[(&str, &str)], usize); 6] = [
        (&[(tokenizer, r#"{"model_max_length": 48}"#)], 48),
        (&[(tokenizer, r#"{"model_max_length": 512}"#)], 64),
        (&[(tokenizer, r#"{"model_max_length": 1000000000000000019884624838656}"#)], 64),
        (&[(sentence, r#"{"max_seq_length": null}"#)], 64),
        (&[(sentence, r#"{"max_seq_length": 50}"#), (tokenizer, r#"{"model_max_length": 48}"#)], 50),
        (&[(sentence, r#"{"max_seq_length": 128}"#)], 64),
    ];
    for (files, expected) in cases {
        assert_eq!(settings(&bert(files)).max_tokens, expected, "{files:?}");
    }
}

#[test]
fn poolings_are_read_or_refused() {
    let open = |pooling: &str| {
        let folder = bert(&[("modules.json", MODULES), ("1_Pooling/config.json", pooling)]);
        ModelFolder::open(folder.path()).map(|folder| folder.settings.pooling)
    };
    let read = [
        (r#"{"pooling_mode_mean_tokens": true}"#, Pooling::Mean),
        ("{}", Pooling::Mean),
        (r#"{"pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": true}"#, Pooling::Max),
        (r#"{"pooling_mode_mean_tokens": false, "pooling_mode_mean_sqrt_len_tokens": true}"#, Pooling::MeanSqrtLen),
        (r#"{"pooling_mode": "cls"}"#, Pooling::Cls),
    ];
    for (config, expected) in read {
        assert_eq!(open(config).unwrap(), expected, "{config}");
    }
    let refused = [
        (r#"{"pooling_mode_mean_tokens": false, "pooling_mode_lasttoken": true}"#, "lasttoken"),
        (r#"{"pooling_mode_mean_tokens": false, "pooling_mode_weightedmean_tokens": true}"#, "weightedmean"),
        (r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#, "cls+mean"),
        (r#"{"pooling_mode_mean_tokens": false}"#, "no"),
    ];
    for (config, expected) in refused {
        match open(config) {
            Err(Error::UnsupportedPooling { mode, .. }) => assert_eq!(mode, expected),
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn prompts_are_found_as_sentence_transformers_finds_them() {
    let cases = [
        ("{}", "", ""),
        (r#"{"prompts": {"query": "q ", "document": "d ", "passage": "p "}}"#, "q ", "d "),
        (r#"{"prompts": {"query": "q ", "corpus": "c "}}"#, "q ", "c "),
        (r#"{"prompts": {"retrieval": "r ", "query": "q "}, "default_prompt_name": "retrieval"}"#, "q ", "r "),
        (r#"{"prompts": {"sts": "s "}}"#, "", ""),
    ];
    for (config, query, document) in cases {
        let prompts = settings(&bert(&[("config_sentence_transformers.json", config)])).prompts;
        assert_eq!((prompts.query.as_str(), prompts.document.as_str()), (query, document), "{config}");
    }
    let unpooled = bert(&[
        ("modules.json", MODULES),
        ("1_Pooling/config.json", r#"{"pooling_mode_mean_tokens": true, "include_prompt": false}"#),
        ("config_sentence_transformers.json", r#"{"prompts": {"query": "q "}}"#),
    ]);
    assert!(matches!(error(&unpooled), Error::UnpooledPrompt));
}

#[test]
fn weights_are_found_in_every_format() {
    let all = bert(&[
        ("onnx/model.onnx", "o"),
        ("onnx/model_O3.onnx", "o"),
        ("onnx/model_qint8_avx512.onnx", "8"),
        ("onnx/model_qint8_arm64.onnx", "8"),
    ]);
    let weights = ModelFolder::open(all.path()).unwrap().weights;
    assert_eq!(weights.onnx, Some(all.path().join("onnx/model.onnx")));
    let ours =
        if cfg!(target_arch = "aarch64") { "onnx/model_qint8_arm64.onnx" } else { "onnx/model_qint8_avx512.onnx" };
    assert_eq!(weights.onnx_int8, Some(all.path().join(ours)));
    assert_eq!(weights.primary(), [all.path().join("model.safetensors")]);

    let top = folder(&[
        ("config.json", BERT),
        ("tokenizer.json", "{}"),
        ("model.onnx", "o"),
        ("model.onnx_data", "tensors"),
        ("onnx/model_quantized.onnx", "8"),
        ("onnx/model_quint8_avx2.onnx", "8"),
    ]);
    let weights = ModelFolder::open(top.path()).unwrap().weights;
    assert_eq!(weights.safetensors, None);
    assert_eq!(weights.onnx_int8, Some(top.path().join("onnx/model_quantized.onnx")));
    let primary = ["model.onnx", "model.onnx_data"].map(|name| top.path().join(name));
    assert_eq!(weights.primary(), primary);
}

#[test]
fn every_fault_has_its_error() {
    type Check = fn(&Error) -> bool;
    let without = |missing: &str| {
        let base = [("config.json", BERT), ("tokenizer.json", "{}"), ("model.safetensors", "w")];
        base.into_iter().filter(|(name, _)| *name != missing).collect::<Vec<_>>()
    };
    let with = |more: &[(&'static str, &'static str)]| [&without(""), more].concat();
    let config = |config| with(&[("config.json", config)]);
    /// Files, the error they must give, and a part of its message.
    type Case = (Vec<(&'static str, &'static str)>, Check, &'static str);
    let cases: Vec<Case> = vec![
        (without("config.json"), |e| matches!(e, Error::ConfigMissing { .. }), "save_pretrained"),
        (without("tokenizer.json"), |e| matches!(e, Error::TokenizerMissing { .. }), "AutoTokenizer.from_pretrained"),
        (without("model.safetensors"), |e| matches!(e, Error::WeightsMissing { instead: None, .. }), "download"),
        (
            [without("model.safetensors"), vec![("pytorch_model.bin", "w")]].concat(),
            |e| matches!(e, Error::WeightsMissing { instead: Some(PyTorchWeights::Pickle), .. }),
            "convert",
        ),
        (
            [without("model.safetensors"), vec![("model.safetensors.index.json", "{}")]].concat(),
            |e| matches!(e, Error::WeightsMissing { instead: Some(PyTorchWeights::Sharded), .. }),
            "max_shard_size",
        ),
        (config("{\"model_type\":\n bert}"), |e| matches!(e, Error::BadJson { line: 2, column: 2, .. }), ":2:2"),
        (config("[1]"), |e| matches!(e, Error::BadJson { line: 1, .. }), "config.json"),
        (config("{}"), |e| matches!(e, Error::KeyMissing { key: "model_type", .. }), "model_type"),
        (
            config(r#"{"model_type": "bert"}"#),
            |e| matches!(e, Error::KeyMissing { key: "hidden_size", .. }),
            "hidden_size",
        ),
        (
            config(r#"{"model_type": "bert", "hidden_size": -3}"#),
            |e| matches!(e, Error::BadValue { key: "hidden_size", .. }),
            "-3",
        ),
        (
            config(
                r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 3,
                "intermediate_size": 16, "vocab_size": 30, "max_position_embeddings": 64}"#,
            ),
            |e| matches!(e, Error::BadValue { key: "num_attention_heads", .. }),
            "divisor",
        ),
        (
            config(r#"{"model_type": "mpnet", "vocab_size": 30, "pad_token_id": 18446744073709551615}"#),
            |e| matches!(e, Error::BadValue { key: "pad_token_id", .. }),
            "token id",
        ),
        (
            config(
                r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
                "intermediate_size": 16, "hidden_act": "swish", "vocab_size": 30, "max_position_embeddings": 64}"#,
            ),
            |e| matches!(e, Error::BadValue { key: "hidden_act", .. }),
            "swish",
        ),
        (config(r#"{"model_type": "llama"}"#), |e| matches!(e, Error::NotAnEncoder { .. }), "`llama`"),
        (config(r#"{"model_type": "gpt2"}"#), |e| matches!(e, Error::NotAnEncoder { .. }), "vetted models list"),
        (
            config(r#"{"model_type": "t5", "is_encoder_decoder": true}"#),
            |e| matches!(e, Error::NotAnEncoder { .. }),
            "t5",
        ),
        (config(r#"{"model_type": "bert", "is_decoder": true}"#), |e| matches!(e, Error::NotAnEncoder { .. }), "bert"),
        (config(MODERN), |e| matches!(e, Error::OnnxMissing { .. }), "optimum-cli"),
        (with(&[("modules.json", "{")]), |e| matches!(e, Error::BadJson { .. }), "modules.json"),
        (with(&[("modules.json", "[]")]), |e| matches!(e, Error::UnsupportedModule { .. }), "Transformer"),
        (with(&[("modules.json", MODULES)]), |e| matches!(e, Error::ModuleConfigMissing { .. }), "1_Pooling"),
        (
            with(&[
                (
                    "modules.json",
                    r#"[{"type": "a.Transformer", "path": ""}, {"type": "a.Pooling", "path": "1_Pooling"},
                    {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]"#,
                ),
                ("1_Pooling/config.json", MEAN),
            ]),
            |e| matches!(e, Error::UnsupportedModule { module, .. } if module.ends_with("Dense")),
            "Dense",
        ),
        (
            with(&[("sentence_bert_config.json", r#"{"max_seq_length": "long"}"#)]),
            |e| matches!(e, Error::BadValue { key: "max_seq_length", .. }),
            "long",
        ),
    ];
    for (files, check, says) in cases {
        let error = error(&folder(&files));
        assert!(check(&error), "{files:?}: {error:?}");
        assert!(error.to_string().contains(says), "{says:?} is not in: {error}");
    }
}

#[test]
fn paths_that_are_no_folders_are_told_apart() {
    let folder = bert(&[]);
    let missing = ModelFolder::open(folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(missing, Error::FolderMissing { .. }), "{missing:?}");
    let file = ModelFolder::open(folder.path().join("config.json")).unwrap_err();
    assert!(matches!(file, Error::NotAFolder { .. }), "{file:?}");
}

#[test]
fn fingerprints_change_with_what_changes_vectors_and_with_nothing_else() {
    let fingerprint = |files: &[(&str, &str)]| {
        let base = [("modules.json", MODULES), ("1_Pooling/config.json", MEAN)];
        let folder = bert(&[&base, files].concat());
        ModelFolder::open(folder.path()).unwrap().fingerprint().unwrap()
    };
    let original = fingerprint(&[]);
    // Indexes on disk remember it: a change here makes every one of them unusable.
    assert_eq!(original, "e623b248d9762688452939a683270130aa03dd1065a97e59280d61eef9d3b558");
    let same: [&[(&str, &str)]; 3] = [
        &[("README.md", "a model")],
        &[("onnx/model.onnx", "the same weights")],
        &[("sentence_bert_config.json", r#"{"max_seq_length": 64}"#)],
    ];
    for files in same {
        assert_eq!(fingerprint(files), original, "{files:?}");
    }
    let different: [&[(&str, &str)]; 6] = [
        &[("model.safetensors", "v")],
        &[("tokenizer.json", "{ }")],
        &[("1_Pooling/config.json", r#"{"pooling_mode": "max"}"#)],
        &[("sentence_bert_config.json", r#"{"max_seq_length": 63}"#)],
        &[("sentence_bert_config.json", r#"{"do_lower_case": true}"#)],
        &[("config_sentence_transformers.json", r#"{"prompts": {"query": "q"}}"#)],
    ];
    let mut seen = vec![original];
    for files in different {
        let fingerprint = fingerprint(files);
        assert!(!seen.contains(&fingerprint), "{files:?}");
        seen.push(fingerprint);
    }
}
