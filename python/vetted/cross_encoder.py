"""What sentence-transformers calls a cross-encoder, answered by vetted's verifier."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vetted.errors import InvalidInputError
from vetted.verdicts import Relation, Verdict, Verdicts
from vetted.verifier import Asked, Precision, Verifier

if TYPE_CHECKING:
    from vetted.calibration import Calibration

__all__ = ["CrossEncoder"]


class CrossEncoder:
    """A drop-in for `sentence_transformers.CrossEncoder` wherever `predict` and `rank` are called: rerankers, evaluators.

    >>> model = vetted.CrossEncoder()
    >>> model.predict([("The dog bit the man.", "The man was bitten by the dog.")])
    array([0.98], dtype=float32)
    >>> model.rank("Who was bitten?", ["The dog bit the man.", "Tea is bitter."])

    A score is the probability of the relation (that the text supports the query), from 0 to 1; 0 of what could not be read. The
    verdict, its reason and the map are what `verifier.verify` gives.
    """

    def __init__(
        self,
        model_name_or_path: str | os.PathLike[str] | Verifier | None = None,
        *,
        relation: Relation = "support",
        precision: Precision = "auto",
        calibration: Calibration | str | os.PathLike[str] | None = None,
        **ignored: Any,
    ) -> None:
        """`ignored` is what sentence-transformers knows and vetted has no use for, such as `device` and `max_length`."""
        wrong = set(ignored) - _OF_SENTENCE_TRANSFORMERS
        if wrong:
            raise TypeError(f"CrossEncoder() got an unexpected argument {sorted(wrong)[0]!r}")
        if isinstance(model_name_or_path, Verifier):
            self.verifier = model_name_or_path
        else:
            self.verifier = Verifier(model_name_or_path, precision=precision, calibration=calibration)
        self.relation: Relation = relation
        # Rerankers are given what a retriever found.
        self._asked: Asked = self.verifier._asked_of_passages if relation == "support" else relation
        # Evaluators look whether there is one score a pair, and tell a model what they measured of it.
        self.num_labels = 1
        self.model_card_data = Measured()

    def verify(self, query: str, documents: Iterable[str]) -> Verdicts:
        """The verdicts behind the scores."""
        return self.verifier._verify(query, documents, self._asked, None, False, None)

    def predict(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[..., Any] | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        sentences: Any = None,
    ) -> Any:
        """A score for each pair of a query and a text, or the score of one pair.

        `batch_size`, `device`, `pool` and `chunk_size` are accepted and change nothing: vetted shares out the work itself. An
        `activation_fn` is applied to the probabilities. There are no prompts."""
        if inputs is None:
            inputs = sentences
        if inputs is None:
            raise TypeError("predict() needs pairs of texts")
        if prompt is not None or prompt_name is not None:
            raise InvalidInputError("vetted's verifier was trained without prompts: leave prompt and prompt_name out")
        is_one = len(inputs) == 2 and isinstance(inputs[0], str)
        pairs = [inputs] if is_one else inputs
        verdicts = self.verifier._verify_pairs(pairs, self._asked, None, show_progress_bar or False)
        return _converted([_score(verdict) for verdict in verdicts], is_one, activation_fn, convert_to_numpy, convert_to_tensor)

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[..., Any] | None = None,
        apply_softmax: bool = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
    ) -> list[dict[str, Any]]:
        """The documents, best first: [{"corpus_id", "score", "verdict"}, ...], with "text" where `return_documents` asks for it."""
        if prompt is not None or prompt_name is not None:
            raise InvalidInputError("vetted's verifier was trained without prompts: leave prompt and prompt_name out")
        verdicts = self.verifier._verify(query, documents, self._asked, None, show_progress_bar or False, None)
        scores = _converted([_score(verdict) for verdict in verdicts], False, activation_fn, convert_to_numpy, convert_to_tensor)
        # Among equal scores the one with more support comes first, then the one that came first.
        order = sorted(range(len(verdicts)), key=lambda at: (-float(scores[at]), -verdicts[at].support, at))
        ranked = []
        for at in order[:top_k]:
            one: dict[str, Any] = {"corpus_id": at, "score": scores[at], "verdict": verdicts[at]}
            ranked.append({**one, "text": documents[at]} if return_documents else one)
        return ranked

    def __repr__(self) -> str:
        return f"vetted.CrossEncoder({self.verifier!r}, relation={self.relation!r})"


class Measured:
    """What evaluators of sentence-transformers measured."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}

    def set_evaluation_metrics(self, evaluator: Any, metrics: dict[str, float], *_: Any) -> None:
        """Keeps the metrics of an evaluation."""
        self.metrics.update(metrics)


_OF_SENTENCE_TRANSFORMERS = {
    "activation_fn",
    "automodel_args",
    "backend",
    "cache_dir",
    "cache_folder",
    "config_kwargs",
    "default_activation_function",
    "device",
    "local_files_only",
    "max_length",
    "model_kwargs",
    "num_labels",
    "processor_kwargs",
    "revision",
    "token",
    "tokenizer_args",
    "tokenizer_kwargs",
    "trust_remote_code",
}


def _score(verdict: Verdict) -> float:
    found = verdict.probability if verdict.probability is not None else verdict.p_match
    return 0.0 if found is None else min(max(found, 0.0), 1.0)


def _converted(
    scores: list[float],
    is_one: bool,
    activation_fn: Callable[..., Any] | None,
    convert_to_numpy: bool,
    convert_to_tensor: bool,
) -> Any:
    import numpy as np

    found: Any = np.array(scores, dtype=np.float32)
    if convert_to_tensor or activation_fn is not None:
        try:
            import torch  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise ImportError("tensors and activation functions are torch's: pip install torch, or ask for numpy") from None
        found = torch.from_numpy(found)
        if activation_fn is not None:
            found = activation_fn(found)
        if not convert_to_tensor:
            found = found.cpu().float().numpy()
    if is_one:
        return found[0]
    return found if convert_to_numpy or convert_to_tensor else list(found)
