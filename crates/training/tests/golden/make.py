"""Makes the files beside it: a tiny random BERT, and what PyTorch computes with it for every architecture.

Each reader is written here once more, for one pair at a time and without any of the trainer's arrangements, from the
description in the verifier's format. Needs torch, transformers, safetensors.

  python make.py
"""
import json, pathlib
import torch, torch.nn.functional as F
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

HERE = pathlib.Path(__file__).parent
HIDDEN, LAYERS, HEADS, WIDE, WORDS = 16, 2, 2, 32, 40
KINDS, MAX_TOKENS = 3, 12
torch.manual_seed(1)

CONFIG = dict(model_type="bert", hidden_act="gelu", hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
              intermediate_size=WIDE, max_position_embeddings=32, vocab_size=WORDS, type_vocab_size=2, layer_norm_eps=1e-12)

ARCHITECTURES = {
    "narrow": dict(architecture="map-transformer", view=6, traits=3, lexical=True, width=8, layers=2, heads=2, feed_forward=12, patch=2, convolutions=[]),
    "full": dict(architecture="map-transformer", view=HIDDEN, traits=0, lexical=False, width=8, layers=1, heads=1, feed_forward=12, patch=3, convolutions=[]),
    "f4": dict(architecture="f4", view=HIDDEN, grid=12, patch=4, width=8, layers=1, heads=2, feed_forward=12),
    "f3": dict(architecture="f3", view=7, channels=[4, 6]),
    "cross": dict(architecture="cross-encoder"),
    "both": dict(architecture="map-transformer", view=6, traits=3, lexical=True, width=8, layers=2, heads=2, feed_forward=12, patch=4, convolutions=[4, 8], missing_words=2.5),
}
# Token ids with [CLS] = 1 and [SEP] = 2; labels of support, equivalence, conflict; kind; weight.
PAIRS = [
    dict(query=[1, 5, 6, 7, 2], candidate=[1, 5, 7, 6, 8, 9, 2], labels=[None, False, None], kind=1, weight=1.0),
    dict(query=[1, 10, 2], candidate=[1, 10, 2], labels=[None, True, None], kind=None, weight=1.0),
    dict(query=[1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 2], candidate=[1, 11, 2], labels=[True, None, False], kind=None, weight=0.5),
    dict(query=[1, 21, 22, 2], candidate=[1, 23, 21, 24, 2], labels=[False, None, True], kind=0, weight=2.0),
    dict(query=[1, 25, 5, 26, 2], candidate=[1, 25, 5, 26, 27, 2], labels=[None, True, False], kind=2, weight=1.0),
]
# Query of one pair with the candidate of another, after the pairs above; and which pair must beat which.
EXTRA = [(1, 0), (4, 2)]
CONTRASTS = [dict(output=1, positive=1, negatives=[5]), dict(output=1, positive=4, negatives=[6])]
LOSS = dict(support=1.0, equivalence=0.7, conflict=0.5, kind=0.2, contrast=0.3, temperature=0.5)
ADAMW = dict(reader_rate=1e-2, encoder_rate=2e-3, weight_decay=0.1, warm_up=0.2, clip=0.5, steps=20)


def reader_shapes(a):
    h = HIDDEN
    if a["architecture"] == "cross-encoder":
        shapes, width = {}, h
    else:
        shapes = {"view.weight": (a["view"], h)} if a["view"] < h else {}
        width = a["channels"][-1] if a["architecture"] == "f3" else a["width"]
    if a["architecture"] == "map-transformer":
        p, t, maps, n = a["patch"], a["traits"], 1 + a["lexical"], -(-MAX_TOKENS // a["patch"])
        if t:
            shapes |= {"traits.weight": (t, h), "traits.bias": (t,)}
        shapes |= {"reader.patch.map.weight": (width, maps * p * p), "reader.patch.row.weight": (width, p * (t + maps)),
                   "reader.patch.column.weight": (width, p * (t + maps)), "reader.patch.bias": (width,),
                   "reader.positions.row": (n, width), "reader.positions.column": (n, width)}
    if a["architecture"] == "f4":
        shapes |= {"reader.patch.map.weight": (width, 3 * a["patch"] ** 2), "reader.patch.bias": (width,),
                   "reader.positions": ((a["grid"] // a["patch"]) ** 2, width)}
    if "layers" in a:
        f = a["feed_forward"]
        shapes |= {"reader.cls": (width,)}
        for norm in ("norm_in", "norm_out"):
            shapes |= {f"reader.{norm}.weight": (width,), f"reader.{norm}.bias": (width,)}
        for k in range(a["layers"]):
            for name, shape in dict(norm1=(width,), qkv=(3 * width, width), out=(width, width), norm2=(width,), up=(f, width), down=(width, f)).items():
                shapes |= {f"reader.blocks.{k}.{name}.weight": shape, f"reader.blocks.{k}.{name}.bias": shape[:1]}
    def convolutions(inputs, channels):
        stages = {}
        for k, outputs in enumerate(channels):
            c = f"reader.convolutions.{k}."
            stages |= {c + "weight": (outputs, inputs, 3, 3), c + "bias": (outputs,), c + "norm.weight": (outputs,), c + "norm.bias": (outputs,)}
            inputs = outputs
        return stages

    if a["architecture"] == "f3":
        shapes |= convolutions(3, a["channels"])
    if a.get("convolutions"):
        shapes |= convolutions(3 * (1 + a["lexical"]), a["convolutions"])
    return shapes | {"reader.head.hidden.weight": (width, width), "reader.head.hidden.bias": (width,),
                     "reader.head.output.weight": (3 + KINDS, width), "reader.head.output.bias": (3 + KINDS,)}


def transformer(a, w, tokens):
    norm = lambda name, x: F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"])
    linear = lambda name, x: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    x = norm("reader.norm_in", torch.cat([w["reader.cls"][None], tokens]))
    for k in range(a["layers"]):
        b = f"reader.blocks.{k}."
        q, key, v = linear(b + "qkv", norm(b + "norm1", x)).view(len(x), 3, a["heads"], -1).permute(1, 2, 0, 3)
        mixed = ((q @ key.transpose(1, 2)) / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + linear(b + "out", mixed.transpose(0, 1).reshape(len(x), -1))
        x = x + linear(b + "down", F.gelu(linear(b + "up", norm(b + "norm2", x))))
    return norm("reader.norm_out", x[0])


def convolve(w, x, stages):
    x = x[None]
    for k in range(stages):
        c = f"reader.convolutions.{k}."
        x = F.conv2d(x, w[c + "weight"], w[c + "bias"], padding=1).permute(0, 2, 3, 1)
        x = F.gelu(F.layer_norm(x, x.shape[-1:], w[c + "norm.weight"], w[c + "norm.bias"])).permute(0, 3, 1, 2)
        x = F.max_pool2d(x, 2, ceil_mode=True)
    return x.mean((2, 3))[0]


def with_maxima(s):
    return torch.stack([s, s.max(1)[0][:, None].expand_as(s), s.max(0)[0][None].expand_as(s)])


def summary(a, w, bert, q_ids, c_ids):
    encode = lambda ids: bert(torch.tensor([ids])).last_hidden_state[0]
    hq, hc = encode(q_ids), encode(c_ids)
    view = lambda h: F.normalize(h @ w["view.weight"].T if "view.weight" in w else h, dim=-1)
    s = view(hq) @ view(hc).T
    m, n = s.shape
    rows, columns = s.max(1)[0], s.max(0)[0]
    if a["architecture"] == "f3":
        return convolve(w, with_maxima(s), len(a["channels"]))
    p = a["patch"]
    if a["architecture"] == "f4":
        g = a["grid"]
        x = torch.zeros(3, g, g)
        x[0, :m, :n], x[1, :m, :n], x[2, :m, :n] = s, rows[:, None].expand(m, n), columns[None].expand(m, n)
        patches = x.view(3, g // p, p, g // p, p).permute(1, 3, 0, 2, 4).reshape((g // p) ** 2, -1)
        tokens = F.linear(patches, w["reader.patch.map.weight"], w["reader.patch.bias"]) + w["reader.positions"]
        return transformer(a, w, tokens)
    words = bert.embeddings.word_embeddings.weight
    maps = [s]
    if a["lexical"]:
        maps.append(F.normalize(words[q_ids], dim=-1) @ F.normalize(words[c_ids], dim=-1).T)
    traits = lambda h: torch.tanh(F.linear(h, w["traits.weight"], w["traits.bias"])) if a["traits"] else h[:, :0]
    of_rows = torch.cat([traits(hq)] + [x.max(1)[0][:, None] for x in maps], 1)
    of_columns = torch.cat([traits(hc)] + [x.max(0)[0][:, None] for x in maps], 1)
    tokens = []
    for i in range(-(-m // p)):
        for j in range(-(-n // p)):
            def part(x, at):  # p rows of x from at, zeros beyond its end
                return F.pad(x[at:at + p], (0, 0) * (x.dim() - 1) + (0, p - len(x[at:at + p])))
            block = torch.cat([part(part(x, i * p).T, j * p).T.reshape(-1) for x in maps])
            tokens.append(w["reader.patch.map.weight"] @ block + w["reader.patch.row.weight"] @ part(of_rows, i * p).reshape(-1)
                          + w["reader.patch.column.weight"] @ part(of_columns, j * p).reshape(-1) + w["reader.patch.bias"]
                          + w["reader.positions.row"][i] + w["reader.positions.column"][j])
    cls = transformer(a, w, torch.stack(tokens))
    return cls + convolve(w, torch.cat([with_maxima(x) for x in maps]), len(a["convolutions"])) if a.get("convolutions") else cls


def logits(a, w, bert, q_ids, c_ids):
    if a["architecture"] == "cross-encoder":
        ids = torch.tensor([q_ids + c_ids[1:]])
        types = torch.tensor([[0] * len(q_ids) + [1] * (len(c_ids) - 1)])
        cls = bert(ids, token_type_ids=types).last_hidden_state[0, 0]
        x = torch.tanh(F.linear(cls, w["reader.head.hidden.weight"], w["reader.head.hidden.bias"]))
    else:
        x = F.gelu(F.linear(summary(a, w, bert, q_ids, c_ids), w["reader.head.hidden.weight"], w["reader.head.hidden.bias"]))
    out = F.linear(x, w["reader.head.output.weight"], w["reader.head.output.bias"])
    if not a.get("missing_words"):
        return out
    words = F.normalize(bert.embeddings.word_embeddings.weight, dim=-1)
    missing = 1 - (words[q_ids] @ words[c_ids].T).max(1)[0].mean()
    return out - torch.eye(len(out))[0] * a["missing_words"] * missing


def loss_of(z):
    total = sum(p["weight"] for p in PAIRS)
    loss = 0.0
    for p, row in zip(PAIRS, z):
        for output, (name, label) in enumerate(zip(("support", "equivalence", "conflict"), p["labels"])):
            if label is not None:
                loss = loss + LOSS[name] * p["weight"] / total * F.binary_cross_entropy_with_logits(row[output], torch.tensor(float(label)))
        if p["kind"] is not None:
            loss = loss + LOSS["kind"] * p["weight"] / total * F.cross_entropy(row[3:], torch.tensor(p["kind"]))
    for c in CONTRASTS:
        scores = z[[c["positive"]] + c["negatives"], c["output"]] / LOSS["temperature"]
        loss = loss + LOSS["contrast"] * PAIRS[c["positive"]]["weight"] / total * F.cross_entropy(scores, torch.tensor(0))
    return loss


def main():
    (HERE / "tiny").mkdir(exist_ok=True)
    bert = BertModel(BertConfig(**{k: v for k, v in CONFIG.items() if k != "model_type"}, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                                attn_implementation="eager"), add_pooling_layer=False)
    for name, p in bert.named_parameters():
        torch.nn.init.normal_(p, 1.0 if "LayerNorm.weight" in name else 0.0, 0.3)
    base = {name: p.detach().clone() for name, p in bert.named_parameters()}
    save_file(base, HERE / "tiny" / "model.safetensors")
    (HERE / "tiny" / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n")
    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"] + [f"w{i}" for i in range(4, WORDS)]
    tokenizer = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=dict(type="Whitespace"),
                     post_processor=dict(type="BertProcessing", sep=["[SEP]", 2], cls=["[CLS]", 1]), decoder=None,
                     model=dict(type="WordLevel", vocab={w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    (HERE / "tiny" / "tokenizer.json").write_text(json.dumps(tokenizer) + "\n")
    pairs = [(p["query"], p["candidate"]) for p in PAIRS] + [(PAIRS[q]["query"], PAIRS[c]["candidate"]) for q, c in EXTRA]
    out = {}
    for name, a in ARCHITECTURES.items():
        bert.load_state_dict(base)
        bert.embeddings.requires_grad_(False)
        w = {k: (torch.ones(s) if "norm" in k and k.endswith("weight") else torch.zeros(s)) + 0.3 * torch.randn(s) for k, s in reader_shapes(a).items()}
        out |= {f"{name}.values.{k}": v.clone() for k, v in w.items()}
        w = {k: v.requires_grad_() for k, v in w.items()}
        trained = {f"encoder.{k}": p for k, p in bert.named_parameters() if p.requires_grad}
        everything = w | trained
        reader_of = lambda: torch.stack([logits(a, w, bert, q, c) for q, c in pairs])
        views = {k: v for k, v in w.items() if k.startswith("view.")}  # at the encoder's rate
        of_reader = {k: v for k, v in w.items() if k not in views}
        groups = [dict(params=[v for v in part.values() if (v.dim() > 1) == decays], lr=1.0, weight_decay=ADAMW["weight_decay"] * decays, rate=rate)
                  for part, rate in ((of_reader, ADAMW["reader_rate"]), (trained | views, ADAMW["encoder_rate"])) for decays in (True, False)]
        optimizer = torch.optim.AdamW(groups)
        losses, norms = [], []
        for step in range(1, ADAMW["steps"] + 1):
            z = reader_of()
            loss = loss_of(z)
            optimizer.zero_grad()
            loss.backward()
            if step == 1:
                out[f"{name}.logits"] = z.detach().clone()
                out |= {f"{name}.gradients.{k}": v.grad.clone() if v.grad is not None else torch.zeros_like(v) for k, v in everything.items()}
            norms.append(torch.nn.utils.clip_grad_norm_(list(everything.values()), ADAMW["clip"]).item())
            warm = ADAMW["warm_up"] * ADAMW["steps"]
            share = step / warm if step < warm else 1 - (step - warm) / (ADAMW["steps"] - warm)
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * share
            optimizer.step()
            losses.append(loss.item())
        out[f"{name}.losses"], out[f"{name}.norms"] = torch.tensor(losses), torch.tensor(norms)
        print(name, losses[0], losses[-1], norms[0])
    save_file({k: v.contiguous() for k, v in out.items()}, HERE / "golden.safetensors")
    (HERE / "golden.json").write_text(json.dumps(dict(max_tokens=MAX_TOKENS, kinds=KINDS, architectures=ARCHITECTURES, pairs=PAIRS, extra=EXTRA,
                                                      contrasts=CONTRASTS, loss=LOSS, adamw=ADAMW), indent=1) + "\n")


if __name__ == "__main__":
    main()
