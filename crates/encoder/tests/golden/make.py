"""Makes the golden vectors that tests/parity.rs compares with: all-MiniLM-L6-v2 in PyTorch, f32, one text at a time.

    python make.py --model FOLDER        # needs torch, transformers, tokenizers, safetensors

Writes texts.json (the texts, with their lengths in tokens) and vectors.f16 (mean-pooled and normalized vectors, 384
little-endian halves each; rounding to half precision moves a unit vector by less than 1e-7 in cosine distance).
"""
import argparse, json, pathlib, random

import numpy as np, torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

HERE = pathlib.Path(__file__).parent
FIXED = [
    "", " ", "\n\t", "a", ".", "the dog bit the man", "the man bit the dog", "The Dog Bit The Man!", "don't can't won't it's",
    "caf\u00e9 na\u00efve co\u00f6perate \u00e5ngstr\u00f6m", "\u4eca\u65e5\u306f\u826f\u3044\u5929\u6c17\u3067\u3059", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\U0001f600 smile \U0001f680\U0001f680", "e = mc\u00b2 and \u222b f(x) dx", "zero\u200bwidth and \u00adsoft hyphen", "tab\tand\u00a0nbsp", "https://example.org/a?b=c&d=%20e#f",
    "fn main() { println!(\"{:?}\", x); }", "x" * 99, "x" * 101, "word " * 5, "3.14159 2,718 1/2 50% $9.99 10^-6", "[CLS] [SEP] [MASK] [PAD] [UNK]", "\ufeffbyte order mark",
    "A\u0301 decomposed", "\u1e9e\u00df \u0130\u0131 \u01c5", "\ud55c\uad6d\uc5b4 \ubb38\uc7a5", "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "control\u0007\u0000chars", "\u2028line separator",
]
SUBJECTS = "the engineer|a careful gardener|two old sailors|the committee|my neighbour's cat|an electric bus|the winter storm|every student|no witness|the translated letter".split("|")
VERBS = "repaired|did not notice|slowly carried|promised to return|was photographed by|argued with|outran|borrowed from|described|refused to follow".split("|")
OBJECTS = "the broken clock|seven blue lanterns|a market in Lisbon|the minister of transport|half of the harvest|an unread novel|the 1987 treaty|its own reflection|fresh bread and salt|the narrow bridge".split("|")
ENDINGS = "before dawn.|in spite of the rain.|although nobody asked.|for the third time this year.|while the music played.|and then went home.|, which surprised everyone.|; the others waited.".split("|")


def sentences(rng, tokens, tokenizer):
    text = ""
    while len(tokenizer.encode(text).ids) < tokens:
        text += " ".join(rng.choice(part) for part in (SUBJECTS, VERBS, OBJECTS, ENDINGS)) + " "
    return text


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True, type=pathlib.Path)
    folder = arguments.parse_args().model
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding(), tokenizer.no_truncation()
    model = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False)
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    model.eval()

    rng = random.Random(7)
    lengths = [*range(3, 131, 1), *range(140, 512, 10), 505, 509, 510, 511, 512, 530]
    texts = FIXED + [sentences(rng, n, tokenizer).strip() for n in lengths]
    tokenizer.enable_truncation(512)
    # Cut most of them in the middle of a word, so that lengths and endings vary.
    texts = [t if i < len(FIXED) or i % 3 == 0 else t[: len(t) - i % 7] for i, t in enumerate(texts)]
    vectors, counts = [], []
    with torch.no_grad():
        for text in texts:
            ids = tokenizer.encode(text).ids
            hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            vectors.append(torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy())
            counts.append(len(ids))
    (HERE / "texts.json").write_text(json.dumps([{"tokens": n, "text": t} for n, t in zip(counts, texts)], indent=0) + "\n")
    np.array(vectors).astype("<f2").tofile(HERE / "vectors.f16")
    print(len(texts), "texts,", min(counts), "to", max(counts), "tokens")


main()
