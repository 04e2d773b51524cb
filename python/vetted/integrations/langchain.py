"""For LangChain: a compressor that vets what a retriever found, a retriever, a cross-encoder, embeddings, and a cache for models.

Needs langchain-core, as the extra `langchain` brings it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from vetted import Cache, CrossEncoder, Encoder, Index, Verifier
from vetted.index import Found
from vetted.integrations._reranking import Rejected, of_hit, of_verdict, ranked, texts_of
from vetted.verdicts import Relation, Verdicts

if TYPE_CHECKING:
    from langchain_core.cross_encoders import BaseCrossEncoder
else:

    def _base_cross_encoder() -> type:
        """Where this version of LangChain has it: the core since 1.3, before that what rerankers came with."""
        older = "retrievers.document_compressors.cross_encoder"
        for module in ("langchain_core.cross_encoders", f"langchain_classic.{older}", f"langchain.{older}"):
            try:
                return import_module(module).BaseCrossEncoder
            except ImportError:
                pass
        return object

    BaseCrossEncoder = _base_cross_encoder()

__all__ = ["VettedCache", "VettedCompressor", "VettedCrossEncoder", "VettedEmbeddings", "VettedRetriever"]


class VettedCompressor(BaseDocumentCompressor):
    """Vets documents behind any retriever (`ContextualCompressionRetriever`): leaves out what contradicts the query, and orders the
    rest. Each document is copied; `metadata` gets `relevance_score`, a probability, and `vetted`, the verdict."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    verifier: Verifier = Field(default_factory=Verifier)
    top_n: int | None = None
    rejected: Rejected = "filter"

    def compress_documents(self, documents: Sequence[Document], query: str, callbacks: Callbacks = None) -> Sequence[Document]:
        """The documents that stay, best first."""
        return self._compressed(documents, self.verifier.verify_passages(query, [it.page_content for it in documents]))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> Sequence[Document]:
        """As `compress_documents`."""
        return self._compressed(documents, await self.verifier.averify_passages(query, [it.page_content for it in documents]))

    def _compressed(self, documents: Sequence[Document], verdicts: Verdicts) -> list[Document]:
        return [
            documents[one.at].model_copy(
                update={
                    "metadata": {
                        **documents[one.at].metadata,
                        "relevance_score": one.score,
                        "vetted": of_verdict(one.verdict),
                    }
                }
            )
            for one in ranked(verdicts, self.top_n, self.rejected)
        ]


class VettedRetriever(BaseRetriever):
    """Searches a vetted index. `search` holds settings of `Index.search`, such as mode and filters."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    k: int = 10
    search: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self._documents(self.index.search(query, k=self.k, **self.search))

    async def _aget_relevant_documents(self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun) -> list[Document]:
        return self._documents(await self.index.asearch(query, k=self.k, **self.search))

    def _documents(self, found: Found) -> list[Document]:
        texts = texts_of(self.index, found.hits)
        return [Document(id=hit.id, page_content=text, metadata=of_hit(hit)) for hit, text in zip(found.hits, texts)]


class VettedCrossEncoder(BaseCrossEncoder):
    """The verifier where LangChain wants a cross-encoder (`CrossEncoderReranker`)."""

    def __init__(self, verifier: Verifier | None = None, *, relation: Relation = "support") -> None:
        self._model = CrossEncoder(verifier, relation=relation)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """The probability of the relation for each pair of a query and a text."""
        return [float(score) for score in self._model.predict(text_pairs)] if text_pairs else []


class VettedEmbeddings(Embeddings):
    """vetted's encoder, for vector stores."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder or Encoder()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        vectors: list[list[float]] = self.encoder.encode(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        vector: list[float] = self.encoder.encode([text], role="query")[0].tolist()
        return vector


class VettedCache(BaseCache):
    """A semantic cache for models: `set_llm_cache(VettedCache(vetted.Cache("answers.cache")))`.

    What a model is asked in the last message is compared by its meaning. Everything else (the model and its settings, the system
    prompt, what was said before) has to be equal, letter for letter: it is a part of the scope, and looked at before anything is
    searched. So an answer of one model or conversation is never served in another."""

    def __init__(self, cache: Cache | None = None) -> None:
        self.cache = cache or Cache()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """What was generated for a prompt that means the same, if anything was."""
        asked, scope = _asked(prompt, llm_string)
        hit = self.cache.lookup(asked, scope=scope).hit
        return None if hit is None else _generations(hit.text)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """As `lookup`."""
        asked, scope = _asked(prompt, llm_string)
        hit = (await self.cache.alookup(asked, scope=scope)).hit
        return None if hit is None else _generations(hit.text)

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keeps what was generated."""
        asked, scope = _asked(prompt, llm_string)
        self.cache.store(asked, _serialized(return_val), scope=scope, attributes=_LANGCHAIN)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """As `update`."""
        asked, scope = _asked(prompt, llm_string)
        stored = _serialized(return_val)
        await self.cache.astore(asked, stored, scope=scope, attributes=_LANGCHAIN)

    def clear(self, **kwargs: Any) -> None:
        """Removes what was kept for the model that `llm_string` names, and for prompts without a history."""
        if "llm_string" not in kwargs:
            raise NotImplementedError(
                "entries are kept in scopes by model: give llm_string, or clear the vetted.Cache by scope, or remove its folder"
            )
        self.cache.clear(scope=_asked("", kwargs["llm_string"])[1])


_LANGCHAIN = {"form": "langchain-generations"}


def _generations(stored: str) -> RETURN_VAL_TYPE:
    found: list[Generation] = []
    for one in json.loads(stored):
        if one["message"] is None:
            found.append(Generation(text=one["text"], generation_info=one["info"]))
        else:
            message = messages_from_dict([one["message"]])[0]
            found.append(ChatGeneration(message=message, generation_info=one["info"]))
    return found


def _serialized(generations: RETURN_VAL_TYPE) -> str:
    """As plain JSON, of which nothing but generations and messages is ever made."""
    kept = []
    for one in generations:
        message = message_to_dict(one.message) if isinstance(one, ChatGeneration) else None
        kept.append({"text": one.text, "info": one.generation_info, "message": message})
    return json.dumps(kept, default=str)


def _asked(prompt: str, llm_string: str) -> tuple[str, dict[str, str]]:
    """What is asked last, and the scope of all the rest. A chat model's prompt is its messages in JSON."""
    scope = {"model": _digest(llm_string)}
    try:
        messages = json.loads(prompt)
        last = messages[-1]
        if last["id"][-1] in ("HumanMessage", "HumanMessageChunk") and isinstance(last["kwargs"]["content"], str):
            if before := messages[:-1]:
                scope["instructions"] = _digest(json.dumps(before, sort_keys=True))
            return last["kwargs"]["content"], scope
    except (ValueError, LookupError, TypeError):
        pass
    return prompt, scope


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
