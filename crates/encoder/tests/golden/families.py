"""Makes a tiny random model of each family that vetted runs natively, with its vectors by transformers in f32.

    python families.py        # needs torch, transformers, tokenizers, safetensors

Each folder under families/ is a model folder as save_pretrained writes it, and expected.json: texts and mean-pooled vectors.
"""
import json, pathlib

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, MPNetConfig, MPNetModel, RobertaConfig, RobertaModel

HERE = pathlib.Path(__file__).parent / "families"
WORDS = "the dog man bit tea kettle water seventy degrees bridge gaps summer heat steel salt bread moon tide".split()
VOCABULARY = {w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
TEXTS = ["", "dog", "the dog bit the man", "the man bit the dog", "steel bridge gaps summer heat unknown tea", " ".join(WORDS * 8)]
SIZE = dict(vocab_size=len(VOCABULARY), pad_token_id=1)
BERT = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=170)
FAMILIES = {
    "bert": (BertModel, BertConfig(**SIZE, **BERT, hidden_act="gelu_new")),
    "roberta": (RobertaModel, RobertaConfig(**SIZE, **BERT, type_vocab_size=1)),
    "distilbert": (DistilBertModel, DistilBertConfig(**SIZE, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=170, activation="relu")),
    "mpnet": (MPNetModel, MPNetConfig(**SIZE, **BERT, relative_attention_num_buckets=32)),
}

for name, (family, config) in FAMILIES.items():
    torch.manual_seed(7)
    model = family(config).eval()
    with torch.no_grad():  # the usual initialization is so small that most mistakes would not show
        for parameter in model.parameters():
            parameter.normal_(0.1 if parameter.dim() == 1 else 0.0, 0.4)
    folder = HERE / name
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.save(str(folder / "tokenizer.json"))
    expected = []
    with torch.no_grad():
        for text in TEXTS:
            ids = torch.tensor([tokenizer.encode(text).ids])
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            expected.append(dict(text=text, vector=hidden.mean(0).tolist()))
    (folder / "expected.json").write_text(json.dumps(expected, indent=0) + "\n")
    print(name, sorted(p.name for p in folder.iterdir()))
