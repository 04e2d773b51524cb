"""LlamaIndex: reranking in the shapes of Cohere, Jina and text-embeddings-inference, embeddings in the latter's."""

from expected import DOCUMENTS, QUERY, URL, check_ranking, run
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.jinaai_rerank import JinaRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference


def check(reranker):
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in DOCUMENTS]
    ranked = reranker.postprocess_nodes(nodes, query_bundle=QueryBundle(query_str=QUERY))
    check_ranking([(DOCUMENTS.index(it.node.get_content()), it.score) for it in ranked])


def cohere_rerank():
    check(CohereRerank(api_key="none", base_url=URL, model="any-model", top_n=3))


def jina_rerank():
    check(JinaRerank(api_key="none", base_url=URL + "/v1", model="any-model", top_n=3))


def tei_rerank():
    check(TextEmbeddingInference(base_url=URL, model_name="any-model", top_n=3))


def tei_embeddings():
    embeddings = TextEmbeddingsInference(base_url=URL, model_name="any-model")
    assert len(embeddings.get_text_embedding_batch(DOCUMENTS)) == len(DOCUMENTS)


run(
    [
        ("llama-index-postprocessor-cohere-rerank", cohere_rerank),
        ("llama-index-postprocessor-jinaai-rerank", jina_rerank),
        ("llama-index-postprocessor-tei-rerank", tei_rerank),
        ("llama-index-embeddings-text-embeddings-inference", tei_embeddings),
    ]
)
