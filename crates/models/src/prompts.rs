//! Prompts of families whose files do not say them.
//!
//! Some models were trained with a few words before every query or document, and say so only on their cards. Without
//! these words they are searched worse than they can be. The table is used for a model that is named by its repository
//! on the hub, and only where its files say no prompts of their own. To override it, write
//! `config_sentence_transformers.json` with `"prompts": {"query": "...", "document": "..."}`, both may be empty, into a
//! folder of the model, or call [`ModelFolder::with_prompts`](crate::ModelFolder::with_prompts).

use crate::folder::Prompts;

/// The prompts that the card of a model tells to use, by the model's repository on the hub, such as
/// `intfloat/e5-base-v2`; `None` for a model that is not in the table.
///
/// | models | before a query | before a document | source |
/// |---|---|---|---|
/// | `intfloat/e5-{small,base,large}`, the same with `-v2`, `intfloat/multilingual-e5-{small,base,large}` | `query: ` | `passage: ` | their cards, "FAQ 1"; [arXiv 2212.03533](https://arxiv.org/abs/2212.03533), section 4 |
/// | `BAAI/bge-{small,base,large}-en`, the same with `-v1.5` | `Represent this sentence for searching relevant passages: ` | | their cards, "Model List"; [FlagEmbedding](https://github.com/FlagOpen/FlagEmbedding) |
/// | `BAAI/bge-{small,base,large}-zh`, the same with `-v1.5` | `为这个句子生成表示以用于检索相关文章：` | | as above |
/// | `nomic-ai/nomic-embed-text-v1`, `-v1.5` | `search_query: ` | `search_document: ` | their cards, "Task instruction prefixes"; [arXiv 2402.01613](https://arxiv.org/abs/2402.01613) |
pub fn known_prompts(repository: &str) -> Option<Prompts> {
    let prompts = |query: &str, document: &str| Some(Prompts { query: query.into(), document: document.into() });
    let (owner, name) = repository.split_once('/')?;
    let name = name.to_ascii_lowercase();
    let sized = |name: &str| ["small", "base", "large"].contains(&name);
    match owner.to_ascii_lowercase().as_str() {
        "intfloat" => {
            let name = name.strip_prefix("multilingual-").or_else(|| name.strip_suffix("-v2")).unwrap_or(&name);
            name.strip_prefix("e5-").filter(|size| sized(size))?;
            prompts("query: ", "passage: ")
        }
        "baai" => {
            let name = name.strip_prefix("bge-")?;
            let (size, language) = name.strip_suffix("-v1.5").unwrap_or(name).split_once('-')?;
            match language {
                "en" if sized(size) => prompts("Represent this sentence for searching relevant passages: ", ""),
                "zh" if sized(size) => prompts("为这个句子生成表示以用于检索相关文章：", ""),
                _ => None,
            }
        }
        "nomic-ai" if ["nomic-embed-text-v1", "nomic-embed-text-v1.5"].contains(&name.as_str()) => {
            prompts("search_query: ", "search_document: ")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_their_repositories() {
        let query = |repository| known_prompts(repository).map(|prompts| prompts.query);
        let bge = "Represent this sentence for searching relevant passages: ";
        for (repository, prompt) in [
            ("intfloat/e5-base-v2", Some("query: ")),
            ("intfloat/e5-small", Some("query: ")),
            ("intfloat/multilingual-e5-large", Some("query: ")),
            ("intfloat/multilingual-e5-large-instruct", None),
            ("intfloat/e5-mistral-7b-instruct", None),
            ("BAAI/bge-small-en-v1.5", Some(bge)),
            ("baai/bge-large-en", Some(bge)),
            ("BAAI/bge-base-zh-v1.5", Some("为这个句子生成表示以用于检索相关文章：")),
            ("BAAI/bge-m3", None),
            ("BAAI/bge-reranker-base", None),
            ("nomic-ai/nomic-embed-text-v1.5", Some("search_query: ")),
            ("somebody/e5-base-v2", None),
            ("sentence-transformers/all-MiniLM-L6-v2", None),
            ("e5-base-v2", None),
        ] {
            assert_eq!(query(repository).as_deref(), prompt, "{repository}");
        }
        assert_eq!(known_prompts("intfloat/e5-base-v2").unwrap().document, "passage: ");
    }
}
