"""cohere (v1, v2), openai, LiteLLM and infinity_client, each at its newest version."""

import math

import cohere
import litellm
import openai
from expected import DOCUMENTS, QUERY, RIGHT, URL, check_ranking, run
from infinity_client import Client as InfinityClient
from infinity_client.api.default import rerank as infinity_rerank
from infinity_client.models import RerankInput

MODEL = "any-model"


def ranked(results):
    return [(result.index, result.relevance_score) for result in results]


def cohere_v1():
    client = cohere.Client(api_key="none", base_url=URL)
    check_ranking(ranked(client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS).results))
    answer = client.rerank(model=MODEL, query=QUERY, documents=[{"text": text} for text in DOCUMENTS], return_documents=True)
    assert answer.results[0].document.text == DOCUMENTS[RIGHT]
    assert answer.meta.billed_units.search_units == 1


def cohere_v2():
    client = cohere.ClientV2(api_key="none", base_url=URL)
    check_ranking(ranked(client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS).results))
    best = client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS, top_n=1).results
    assert [result.index for result in best] == [RIGHT]
    check_ranking(ranked(cohere.ClientV2(api_key="none", base_url=URL + "/v1").rerank(model=MODEL, query=QUERY, documents=DOCUMENTS).results))


def cohere_v2_relevant_spans():
    client = cohere.ClientV2(api_key="none", base_url=URL)
    long = "It rained 🐕 all day. " + DOCUMENTS[RIGHT] + " Then it was late."
    answer = client.rerank(model=MODEL, query=QUERY, documents=[long], relevant_spans={"mode": "enabled"})
    span = answer.results[0].relevant_spans[0]
    part = long[span.start : span.end]
    # A sentence that is very short, or does not stand alone, comes with the one before.
    assert part.strip().endswith(DOCUMENTS[RIGHT]) and span.score > 0.5, (part, answer)


def cohere_error():
    try:
        cohere.ClientV2(api_key="none", base_url=URL).rerank(model=MODEL, query=QUERY, documents=[])
    except cohere.errors.BadRequestError as error:
        assert "documents" in error.body["message"], error.body
    else:
        raise AssertionError("no error")


def openai_embeddings():
    client = openai.OpenAI(api_key="none", base_url=URL + "/v1")
    by_base64 = client.embeddings.create(model=MODEL, input=DOCUMENTS)
    by_float = client.embeddings.create(model=MODEL, input=DOCUMENTS, encoding_format="float")
    for a, b in zip(by_base64.data, by_float.data, strict=True):
        assert all(math.isclose(x, y, abs_tol=1e-6) for x, y in zip(a.embedding, b.embedding, strict=True))
    assert by_float.usage.total_tokens > 0
    assert len(list(client.models.list())) >= 2


def openai_error():
    try:
        openai.OpenAI(api_key="none", base_url=URL + "/v1").embeddings.create(model=MODEL, input=[[1, 2, 3]])
    except openai.BadRequestError as error:
        assert "check_embedding_ctx_length" in error.message and error.code == "invalid-request", error
    else:
        raise AssertionError("no error")


def litellm_ranking(provider, base):
    answer = litellm.rerank(model=f"{provider}/{MODEL}", query=QUERY, documents=DOCUMENTS, top_n=3, api_base=base, api_key="none")
    check_ranking([(result["index"], result["relevance_score"]) for result in answer.results])


def litellm_cohere():
    litellm_ranking("cohere", URL)


def litellm_jina_ai():
    litellm_ranking("jina_ai", URL)


def litellm_hosted_vllm():
    litellm_ranking("hosted_vllm", URL)
    litellm_ranking("hosted_vllm", URL + "/v1/rerank")


def litellm_huggingface():
    litellm_ranking("huggingface", URL)


def litellm_embeddings():
    answer = litellm.embedding(model=f"openai/{MODEL}", input=DOCUMENTS, api_base=URL + "/v1", api_key="none")
    assert len(answer.data) == len(DOCUMENTS)


def infinity():
    body = RerankInput(query=QUERY, documents=DOCUMENTS, model=MODEL)
    answer = infinity_rerank.sync(client=InfinityClient(base_url=URL), body=body)
    check_ranking(ranked(answer.results))


run(
    [
        ("cohere", cohere_v1),
        ("cohere", cohere_v2),
        ("cohere", cohere_v2_relevant_spans),
        ("cohere", cohere_error),
        ("openai", openai_embeddings),
        ("openai", openai_error),
        ("litellm", litellm_cohere),
        ("litellm", litellm_jina_ai),
        ("litellm", litellm_hosted_vllm),
        ("litellm", litellm_huggingface),
        ("litellm", litellm_embeddings),
        ("infinity_client", infinity),
    ]
)
