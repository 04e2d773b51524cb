"""LangChain: reranking by Cohere's client and by Jina's, embeddings by OpenAI's."""

from expected import DOCUMENTS, QUERY, URL, check_ranking, run
from langchain_cohere import CohereRerank
from langchain_community.document_compressors import jina_rerank
from langchain_core.documents import Document
from langchain_openai import OpenAIEmbeddings


def check(documents):
    check_ranking([(DOCUMENTS.index(it.page_content), it.metadata["relevance_score"]) for it in documents])


def documents():
    return [Document(page_content=text) for text in DOCUMENTS]


def cohere_rerank():
    check(CohereRerank(cohere_api_key="none", base_url=URL, model="any-model", top_n=3).compress_documents(documents(), QUERY))


def jina():
    # It has no parameter for the address.
    jina_rerank.JINA_API_URL = URL + "/v1/rerank"
    check(jina_rerank.JinaRerank(jina_api_key="none", top_n=3).compress_documents(documents(), QUERY))


def openai_embeddings():
    embeddings = OpenAIEmbeddings(base_url=URL + "/v1", api_key="none", check_embedding_ctx_length=False)
    assert len(embeddings.embed_documents(DOCUMENTS)) == len(DOCUMENTS)


run(
    [
        ("langchain-cohere", cohere_rerank),
        ("langchain-community", jina),
        ("langchain-openai", openai_embeddings),
    ]
)
