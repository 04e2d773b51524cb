"""The verifier's recipe in PyTorch: the architectures and losses of `vetted train verifier`, for a machine with a GPU
(or for quick experiments on a CPU: bf16 on AMX or AVX-512).

  python recipes/verifier.py pack  --tokenizer MODEL/tokenizer.json --sources recipes/sources.json --out packed.npz PAIRS.tsv[.gz]...
  python recipes/verifier.py train --model MODEL --data packed.npz --out DIR --visits 600000

`pack` turns pair files into token ids and targets: one file of a few tens of megabytes, which is all that has to travel to
another machine besides MODEL (all-MiniLM-L6-v2's folder). `train` writes DIR/model.safetensors and DIR/config.json, the folder
that `vetted verify --verifier DIR` opens, and DIR/metrics.jsonl. Needs torch, numpy, safetensors; `pack` needs tokenizers.
"""
import argparse, collections, hashlib, json, os, random, re, time
import numpy as np

from data import Sources, rows

KINDS = ("negation role binding modifier comparison quantifier number date unit direction order modality antonym entity addition other").split()
MAX_TOKENS = 64

# ---------------------------------------------------------------------------------------------------------------- data

UNKNOWN = -1


def targets(row, sources):
    """(query, candidate, symmetric, support, equivalence, conflict, kind) of one row; -1 where the data do not say."""
    label, negatives = row.get("equiv") or row.get("label"), sources.negatives(row)
    query, candidate = row["s2"], row["s1"]
    if not row.get("relation") and sources.of(row).get("claim_first"):
        query, candidate = candidate, query
    conflict = {"1": 1, "0": 0}.get(row.get("conflict", ""), UNKNOWN)
    kind = KINDS.index(row["kind"]) if row.get("kind") in KINDS else UNKNOWN
    yes = label == "1"
    if sources.relation(row) == "support":
        if conflict == UNKNOWN and not row.get("conflict_unknown"):
            conflict = int(label == "0")
        return query, candidate, 0, int(yes), UNKNOWN if yes else 0, conflict, kind if not yes else UNKNOWN
    if label == "N":
        return None
    if not yes and kind == UNKNOWN and "kind" in negatives:
        kind = KINDS.index(negatives["kind"])
    if not yes and conflict == UNKNOWN and "conflict" in negatives:
        conflict = int(negatives["conflict"])
    # Of some sources it is known what was changed, and not that it contradicts: neither text then supports the other.
    unsupported = conflict == 1 or "kind" in negatives and "conflict" not in negatives
    return query, candidate, 1, 1 if yes else (0 if unsupported else UNKNOWN), int(yes), 0 if yes else conflict, kind if not yes else UNKNOWN


def pack(a):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(a.tokenizer)
    tokenizer.no_padding(), tokenizer.enable_truncation(MAX_TOKENS)
    groups, group, texts, labels = [], [], {}, []
    seen, pairs, sources = set(), [], Sources(a.sources)
    for path in a.pairs:
        for row in rows(path):
            t = targets(row, sources)
            source = row.get("source") or os.path.basename(path)
            if t is None or (a.only and source not in a.only):
                continue
            key = (t[0], t[1], t[3:6])
            if key in seen:
                continue
            seen.add(key)
            if source not in groups:
                groups.append(source)
            group.append(groups.index(source))
            pairs.append([texts.setdefault(s, len(texts)) for s in t[:2]])
            labels.append(t[2:])
    ids = [e.ids for e in tokenizer.encode_batch(list(texts))]
    np.savez_compressed(a.out, groups=np.array(groups), group=np.array(group, np.uint8), pairs=np.array(pairs, np.uint32), labels=np.array(labels, np.int8),
                        starts=np.cumsum([0] + [len(i) for i in ids]).astype(np.uint32), ids=np.concatenate([np.array(i, np.uint16) for i in ids]))
    print(f"{len(pairs)} pairs, {len(texts)} texts, {os.path.getsize(a.out) / 2**20:.1f} MiB", dict(collections.Counter(groups[g] for g in group)))


class Packed:
    def __init__(self, path):
        z = np.load(path)
        self.groups, self.group, self.pairs, self.labels = [str(g) for g in z["groups"]], z["group"], z["pairs"], z["labels"]
        self.starts, self.flat = z["starts"], z["ids"].astype(np.int64)

    def text(self, i):
        return self.flat[self.starts[i]:self.starts[i + 1]]

    def __len__(self):
        return len(self.pairs)


# --------------------------------------------------------------------------------------------------------------- model

def build():
    """Torch is only needed for training."""
    import torch, torch.nn as nn, torch.nn.functional as F

    def attention(q, k, v, keep):  # (B, heads, T, dim); keep (B, T). Written out: torch's CPU flash attention is slow backwards
        scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        return scores.masked_fill(~keep[:, None, None], -1e4).softmax(-1).to(v.dtype) @ v

    class EncoderLayer(nn.Module):
        def __init__(self, d, heads, ff):
            super().__init__()
            self.heads = heads
            self.query, self.key, self.value, self.output = (nn.Linear(d, d) for _ in range(4))
            self.up, self.down = nn.Linear(d, ff), nn.Linear(ff, d)
            self.norm1, self.norm2 = nn.LayerNorm(d, 1e-12), nn.LayerNorm(d, 1e-12)
            self.drop = 0.

        def forward(self, x, keep):
            B, T, D = x.shape
            q, k, v = (f(x).view(B, T, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
            drop = lambda x: F.dropout(x, self.drop) if self.training and self.drop else x
            x = self.norm1(x + drop(self.output(attention(q, k, v, keep).transpose(1, 2).reshape(B, T, D))))
            return self.norm2(x + drop(self.down(F.gelu(self.up(x)))))

    NAMES = dict(query="attention.self.query", key="attention.self.key", value="attention.self.value", output="attention.output.dense",
                 norm1="attention.output.LayerNorm", up="intermediate.dense", down="output.dense", norm2="output.LayerNorm")

    class Encoder(nn.Module):
        """BERT with frozen embeddings; layers below `trained_from` are frozen too."""

        def __init__(self, folder, trained_from=0, drop=0.):
            super().__init__()
            from safetensors.torch import load_file
            config, w = json.load(open(folder + "/config.json")), load_file(folder + "/model.safetensors")
            w = {k.removeprefix("bert."): v.float() for k, v in w.items()}
            d = config["hidden_size"]
            self.hidden, self.trained_from = d, trained_from
            for name, key in (("words", "word_embeddings"), ("positions", "position_embeddings"), ("types", "token_type_embeddings")):
                self.register_buffer(name, w[f"embeddings.{key}.weight"], persistent=False)
            self.register_buffer("lexicon", F.normalize(self.words, dim=-1), persistent=False)
            self.norm_w, self.norm_b = (nn.Parameter(w[f"embeddings.LayerNorm.{x}"], requires_grad=False) for x in ("weight", "bias"))
            self.layers = nn.ModuleList(EncoderLayer(d, config["num_attention_heads"], config["intermediate_size"]) for _ in range(config["num_hidden_layers"]))
            for i, layer in enumerate(self.layers):
                for ours, theirs in NAMES.items():
                    for x in ("weight", "bias"):
                        getattr(getattr(layer, ours), x).data.copy_(w[f"encoder.layer.{i}.{theirs}.{x}"])
                layer.requires_grad_(i >= trained_from)
                layer.drop = drop if i >= trained_from else 0.

        def forward(self, ids, keep, types=None):
            with torch.no_grad():
                x = self.words[ids] + self.positions[:ids.shape[1]] + (self.types[0] if types is None else self.types[types])
                x = F.layer_norm(x, x.shape[-1:], self.norm_w, self.norm_b, 1e-12)
                for layer in self.layers[:self.trained_from]:
                    x = layer(x, keep)
            for layer in self.layers[self.trained_from:]:
                x = layer(x, keep)
            return x

        def trained(self):
            return {f"encoder.encoder.layer.{i}.{theirs}.{x}": getattr(getattr(self.layers[i], ours), x)
                    for i in range(self.trained_from, len(self.layers)) for ours, theirs in NAMES.items() for x in ("weight", "bias")}

    class Block(nn.Module):
        def __init__(self, d, heads, ff, drop=.1):
            super().__init__()
            self.heads, self.norm1, self.qkv, self.out, self.norm2 = heads, nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d), nn.LayerNorm(d)
            self.up, self.down, self.drop = nn.Linear(d, ff), nn.Linear(ff, d), nn.Dropout(drop)

        def forward(self, x, keep):
            B, T, D = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
            x = x + self.drop(self.out(attention(q, k, v, keep).transpose(1, 2).reshape(B, T, D)))
            return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))

    class Head(nn.Module):
        def __init__(self, d, outputs, activation=F.gelu):
            super().__init__()
            self.hidden, self.output, self.activation = nn.Linear(d, d), nn.Linear(d, outputs), activation

        def forward(self, x):
            return self.output(self.activation(self.hidden(x)))

    class Convolutions(nn.Module):
        """3 x 3 convolutions over the cells, each with LayerNorm over a place's channels, GELU and the largest of every 2 x 2
        places; then the mean over the grid."""

        def __init__(self, inputs, channels):
            super().__init__()
            widths = [inputs] + channels
            self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, channels))
            self.norms = nn.ModuleList(nn.LayerNorm(b) for b in channels)

        def forward(self, x, keep):  # (B, inputs, m, n), zeros where not keep (B, 1, m, n)
            for convolution, norm in zip(self.convolutions, self.norms):
                x = F.gelu(norm(convolution(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
                x = F.max_pool2d(x.masked_fill(~keep, -1e9), 2, ceil_mode=True)
                keep = F.max_pool2d(keep.float(), 2, ceil_mode=True) > 0
                x = x.masked_fill(~keep, 0.)
            return x.sum((2, 3)) / keep.sum((2, 3))

    class MapTransformer(nn.Module):
        """Ours: view and lexical maps in patches on the true grid, with per-token traits and maxima as row and column features."""

        def __init__(self, o, hidden):
            super().__init__()
            d, p, self.o = o["width"], o["patch"], o
            maps = 1 + o["lexical"]
            if o["view"]:
                self.view = nn.Linear(hidden, o["view"], bias=False)
                nn.init.orthogonal_(self.view.weight)
            if o["traits"]:
                self.traits = nn.Linear(hidden, o["traits"])
            self.map = nn.Linear(maps * p * p, d, bias=False)
            if o["convolutions"]:
                self.beside = Convolutions(3 * maps, o["convolutions"])
            self.row, self.column = (nn.Linear(p * (o["traits"] + maps), d, bias=False) for _ in range(2))
            self.bias, self.cls = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.randn(d) * .02)
            self.at_row, self.at_column = (nn.Parameter(torch.randn(MAX_TOKENS // p, d) * .02) for _ in range(2))
            self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
            self.blocks = nn.ModuleList(Block(d, o["heads"], o["feed_forward"]) for _ in range(o["layers"]))
            self.head = Head(d, 3 + len(KINDS))

        def views(self, h, lexical, keep):
            v = F.normalize((self.view(h) if self.o["view"] else h).float(), dim=-1)
            t = torch.tanh(self.traits(h).float()) if self.o["traits"] else None
            return v, t, lexical, keep

        def forward(self, q, c):
            (vq, tq, lq, mq), (vc, tc, lc, mc) = q, c
            p = self.o["patch"]
            maps = [vq @ vc.transpose(1, 2)] + ([lq @ lc.transpose(1, 2)] if self.o["lexical"] else [])
            S = torch.stack(maps, 1).float()
            keep = mq[:, None, :, None] & mc[:, None, None, :]
            masked = S.masked_fill(~keep, -1.)
            S = S.masked_fill(~keep, 0.)
            rows = masked.amax(3).transpose(1, 2)  # (B, m, maps)
            columns = masked.amax(2).transpose(1, 2)
            beside = 0.
            if self.o["convolutions"]:
                sides = [rows.transpose(1, 2)[..., None].expand_as(S), columns.transpose(1, 2)[:, :, None].expand_as(S)]
                beside = self.beside((torch.stack([S, *sides], 2) * keep[:, :, None]).flatten(1, 2), keep)
            if self.o["traits"]:
                rows, columns = torch.cat([tq, rows], 2), torch.cat([tc, columns], 2)
            rows, columns = rows * mq[:, :, None], columns * mc[:, :, None]
            pr, pc = -S.shape[2] % p, -S.shape[3] % p
            S, rows, columns = F.pad(S, (0, pc, 0, pr)), F.pad(rows, (0, 0, 0, pr)), F.pad(columns, (0, 0, 0, pc))
            B, M, R, C = S.shape[0], S.shape[1], S.shape[2] // p, S.shape[3] // p
            x = self.map(S.view(B, M, R, p, C, p).permute(0, 2, 4, 1, 3, 5).reshape(B, R, C, M * p * p))
            x = x + (self.row(rows.reshape(B, R, -1)) + self.at_row[:R])[:, :, None] + (self.column(columns.reshape(B, C, -1)) + self.at_column[:C])[:, None] + self.bias
            alive = (F.pad(mq, (0, pr))[:, ::p, None] & F.pad(mc, (0, pc))[:, None, ::p]).flatten(1)
            x = self.norm_in(torch.cat([self.cls.expand(B, 1, -1), x.flatten(1, 2)], 1))
            alive = torch.cat([alive.new_ones(B, 1), alive], 1)
            for block in self.blocks:
                x = block(x, alive)
            logits = self.head(self.norm_out(x[:, 0]) + beside)
            if not self.o["missing_words"]:
                return logits
            missing = 1 - (masked[:, 1].amax(2).float() * mq).sum(1) / mq.sum(1)  # of the query's words
            return torch.cat([logits[:, :1] - self.o["missing_words"] * missing[:, None], logits[:, 1:]], 1)

        def named(self):
            names = {"view.": "view.", "traits.": "traits.", "map.": "reader.patch.map.", "row.": "reader.patch.row.", "column.": "reader.patch.column.",
                     "bias": "reader.patch.bias", "cls": "reader.cls", "at_row": "reader.positions.row", "at_column": "reader.positions.column",
                     "beside.": "reader.convolutions."}
            out = {}
            for k, v in self.named_parameters():
                k = re.sub(r"beside\.convolutions\.(\d+)\.", r"beside.\1.", re.sub(r"beside\.norms\.(\d+)\.", r"beside.\1.norm.", k))
                match = next((n for n in names if k.startswith(n)), None)
                out[names[match] + k[len(match):] if match else "reader." + k] = v
            return out

    class CrossEncoder(nn.Module):
        def __init__(self, o, hidden):
            super().__init__()
            self.head = Head(hidden, 3 + len(KINDS), torch.tanh)

        def named(self):
            return {"reader." + k: v for k, v in self.named_parameters()}

    return torch, F, Encoder, {"map-transformer": MapTransformer, "cross-encoder": CrossEncoder}


# ------------------------------------------------------------------------------------------------------------ training

def auc(scores, labels):
    from_order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.
    pos = labels == 1
    n, m = pos.sum(), (~pos).sum()
    return float((from_order[pos].sum() - n * (n + 1) / 2) / (n * m)) if n and m else float("nan")


def rejected_at(scores, labels, kept=.79):
    positives = np.sort(scores[labels == 1])
    return float((scores[labels == 0] < positives[int(np.floor((1 - kept) * len(positives) + 1e-9))]).mean())


class Trainer:
    def __init__(self, a):
        self.a = a
        self.torch, self.F, Encoder, architectures = build()
        torch = self.torch
        self.device = a.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if a.threads:
            torch.set_num_threads(a.threads)
        torch.manual_seed(a.seed), random.seed(a.seed)
        self.options = dict(view=a.view, traits=a.traits, lexical=bool(a.lexical), width=a.width, layers=a.layers, heads=4, feed_forward=2 * a.width, patch=a.patch, convolutions=a.convolutions, missing_words=a.missing_words)
        self.encoder = Encoder(a.model, a.trained_from, a.drop).to(self.device)
        self.reader = architectures[a.architecture](self.options, self.encoder.hidden).to(self.device)
        self.joint = a.architecture == "cross-encoder"
        self.data = Packed(a.data)
        if a.rename:
            self.near_words()

    def tensors(self, index, swap):
        torch, d = self.torch, self.data
        pairs, labels = d.pairs[index], d.labels[index].copy()
        flip = swap & (labels[:, 0] == 1)
        pairs = np.where(flip[:, None], pairs[:, ::-1], pairs)
        texts = [[d.text(i) for i in pairs[:, side]] for side in (0, 1)]
        return texts, torch.from_numpy(labels.astype(np.int64)).to(self.device)

    def pad(self, texts):
        x = np.zeros((len(texts), max(map(len, texts))), np.int64)
        keep = np.zeros(x.shape, bool)
        for i, t in enumerate(texts):
            x[i, :len(t)], keep[i, :len(t)] = t, True
        return self.torch.from_numpy(x).to(self.device), self.torch.from_numpy(keep).to(self.device)

    def logits(self, texts):
        torch = self.torch
        with torch.autocast(self.device, torch.bfloat16):
            if self.joint:
                both = [np.concatenate([q, c[1:]]) for q, c in zip(*texts)]
                ids, keep = self.pad(both)
                types = torch.arange(ids.shape[1], device=self.device)[None] >= torch.tensor([len(q) for q in texts[0]], device=self.device)[:, None]
                return self.reader.head(self.encoder(ids, keep, types.long())[:, 0]).float()
            n = len(texts[0])
            both = texts[0] + texts[1]
            # Short texts beside short ones: a question next to its passage would be mostly padding.
            order = np.argsort([len(t) for t in both], kind="stable")
            back = torch.from_numpy(np.argsort(order)).to(self.device)
            halves = [self.pad([both[i] for i in part]) for part in (order[:n], order[n:])]
            width = halves[1][0].shape[1]
            grow = lambda x, value=0.: self.F.pad(x, (0, 0) * (x.dim() - 2) + (0, width - x.shape[1]), value=value)
            h = torch.cat([grow(self.encoder(ids, keep)) for ids, keep in halves])[back]
            ids, keep = (torch.cat([grow(half[k], 0) for half in halves])[back] for k in (0, 1))
            lexical = self.encoder.lexicon[ids]
            cut = [keep[:n].sum(1).max(), keep[n:].sum(1).max()]
            q, c = (self.reader.views(h[s, :k], lexical[s, :k], keep[s, :k]) for s, k in ((slice(0, n), cut[0]), (slice(n, None), cut[1])))
            return self.reader(q, c).float()

    def near_words(self):
        """For each word of the corpus that is not among its most frequent ones, ten words that stand near it in the embedding."""
        torch = self.torch
        counts = np.bincount(self.data.flat, minlength=len(self.encoder.words))
        pieces = json.load(open(self.a.model + "/tokenizer.json"))["model"]["vocab"]
        word = np.zeros(len(counts), bool)
        for text, i in pieces.items():
            word[i] = text.isalnum() and (len(text) > 3 or text.isdigit())
        self.continues = np.zeros(len(counts), bool)
        self.continues[[i for text, i in pieces.items() if text.startswith("##")]] = True
        frequent = np.argsort(-counts)[:800]
        able = word & (counts > 2)
        able[frequent] = False
        ids = np.flatnonzero(able)
        rows = self.encoder.lexicon[torch.from_numpy(ids)].float()
        self.near = np.zeros((len(counts), 10), np.int64)
        with torch.no_grad():
            for i in range(0, len(ids), 2000):
                self.near[ids[i:i + 2000]] = ids[(rows[i:i + 2000] @ rows.T).topk(11).indices[:, 1:].numpy()]

    def rename(self, query, candidate, rng):
        """Words that both texts have, exchanged for others of their sort in both: who did what to whom stays as it was, and
        so do the labels."""
        whole = lambda t: set(t[:-1][~self.continues[t[1:]]])
        shared = [w for w in whole(query) & whole(candidate) if self.near[w, 0] and rng.rand() < .5]
        if not shared:
            return query, candidate
        new = {w: self.near[w, rng.randint(10)] for w in shared}
        if len(set(new.values())) < len(new) or set(new.values()) & (set(query) | set(candidate)):
            return query, candidate
        change = lambda t: np.array([new.get(w, w) if not (i + 1 < len(t) and self.continues[t[i + 1]]) else w for i, w in enumerate(t)])
        return change(query), change(candidate)

    def vary(self, texts, labels, rng):
        """What data sets do not hold: a text beside itself (which supports itself), beside a stranger (which says nothing
        of it), texts without their full stop, and about others (see `rename`)."""
        full_stop, labels = 1012, labels.clone()
        queries, candidates = map(list, texts)
        given = list(candidates)
        for i, x in enumerate(rng.rand(len(queries))):
            if x < self.a.identical:
                candidates[i] = queries[i]
                labels[i] = labels.new_tensor([labels[i, 0].item(), 1, 1, 0, UNKNOWN])
            elif x < self.a.identical + self.a.stranger:
                candidates[i] = given[(i + 1 + rng.randint(len(given) - 1)) % len(given)] if len(given) > 1 else candidates[i]
                labels[i] = labels.new_tensor([labels[i, 0].item(), 0, 0, 0, UNKNOWN])
            elif self.a.rename and rng.rand() < self.a.rename:  # without it, the coin falls as it always did
                queries[i], candidates[i] = self.rename(queries[i], candidates[i], rng)
            for side in (queries, candidates):
                if rng.rand() < self.a.unstopped and len(side[i]) > 3 and side[i][-2] == full_stop:
                    side[i] = np.delete(side[i], -2)
        return [queries, candidates], labels

    def loss(self, logits, labels):
        F, total = self.F, 0.
        for column, weight in ((1, 1.), (2, 1.), (3, .5)):
            known = labels[:, column] >= 0
            if known.any():
                total = total + weight * F.binary_cross_entropy_with_logits(logits[known, column - 1], labels[known, column].float(), reduction="sum") / len(labels)
        known = labels[:, 4] >= 0
        if known.any():
            total = total + .2 * F.cross_entropy(logits[known, 3:], labels[known, 4], reduction="sum") / len(labels)
        return total

    def start_views(self):
        """The view starts as the principal components of the token vectors: it keeps the full cosine's behavior from step one."""
        torch = self.torch
        texts = [self.data.text(i) for i in np.random.RandomState(0).permutation(len(self.data.starts) - 1)[:1000]]
        hidden = []
        with torch.no_grad():
            for i in range(0, len(texts), 64):
                ids, keep = self.pad(texts[i:i + 64])
                hidden.append(self.F.normalize(self.encoder(ids, keep)[keep].float(), dim=-1))
        _, _, v = torch.linalg.svd(torch.cat(hidden)[:20000], full_matrices=False)
        self.reader.view.weight.data.copy_(v[:self.options["view"]])

    def begin_with(self, path):
        """The weights of a checkpoint, or of a verifier's folder as `save` and `vetted train verifier` write it."""
        torch = self.torch
        if not os.path.isdir(path):
            ck = torch.load(path, map_location=self.device)
            self.encoder.load_state_dict(ck["encoder"]), self.reader.load_state_dict(ck["reader"])
            return
        from safetensors.torch import load_file
        stored = load_file(path + "/model.safetensors")
        with torch.no_grad():
            for name, p in {**self.reader.named(), **self.encoder.trained()}.items():
                if name.startswith("reader.convolutions.") and name not in stored:
                    if name == f"reader.convolutions.{len(self.options['convolutions']) - 1}.norm.weight":
                        p.zero_()  # a verifier without convolutions begins one that has them, and says the same
                    continue
                scale = stored.get(name + ".scale")
                p.copy_(stored[name].float() * (1. if scale is None else scale[:, None]))

    def schedule(self, train):
        """Visits by group share, in length-sorted batches."""
        a, rng = self.a, np.random.RandomState(self.a.seed)
        shares = dict(x.split("=") for x in a.share)
        group = self.data.group[train]
        weight = {}
        for g, name in enumerate(self.data.groups):
            n = int((group == g).sum())
            weight[g] = float(shares.get(name, shares.get("*", 0))) if n else 0.
            if str(shares.get(name, "")).endswith("x"):
                weight[g] = 0.
        total = sum(weight.values())
        visits = []
        for g, w in weight.items():
            count, members = int(round(a.visits * w / total)), train[group == g]
            while count > 0:
                part = rng.permutation(members)[:count]
                visits.append(part)
                count -= len(part)
        visits = rng.permutation(np.concatenate(visits))
        length = (self.data.starts[1:] - self.data.starts[:-1])[self.data.pairs]
        size = length.max(1) if not self.joint else length.sum(1)
        batches = []
        for i in range(0, len(visits), a.batch * 32):
            chunk = visits[i:i + a.batch * 32]
            chunk = chunk[np.argsort(size[chunk], kind="stable")]
            parts = [chunk[j:j + a.batch] for j in range(0, len(chunk), a.batch)]
            rng.shuffle(parts)
            batches += parts
        return batches, {self.data.groups[g]: round(w / total, 4) for g, w in weight.items() if w}

    def evaluate(self, index, both=True):
        """Match logit per pair: support if directed, the mean of both orders' equivalence if symmetric. Plus conflict."""
        torch, d = self.torch, self.data
        self.encoder.eval(), self.reader.eval()
        length = (d.starts[1:] - d.starts[:-1])[d.pairs[index]].max(1)
        order, out = np.argsort(length, kind="stable"), np.zeros((len(index), 2), np.float32)
        with torch.no_grad():
            for i in range(0, len(order), 128):
                part = order[i:i + 128]
                texts, labels = self.tensors(index[part], np.zeros(len(part), bool))
                z = self.logits(texts)
                symmetric = labels[:, 0] == 1
                if symmetric.any():
                    z = torch.where(symmetric[:, None], (z + self.logits(texts[::-1])) / 2, z)
                out[part, 0] = torch.where(symmetric, z[:, 1], z[:, 0]).cpu()
                out[part, 1] = z[:, 2].cpu()
        self.encoder.train(), self.reader.train()
        return out

    def report(self, index):
        d, z = self.data, self.evaluate(index)
        lab = d.labels[index]
        match = np.where(lab[:, 0] == 1, lab[:, 2], lab[:, 1])
        out = {}
        for g, name in enumerate(d.groups):
            at = d.group[index] == g
            if not at.any():
                continue
            y, s = match[at], z[at, 0]
            if len(set(y)) == 2:
                out[name] = round(auc(s, y), 4)
                if name in ("paws_wiki", "qqp"):
                    out[name + "@79"] = round(rejected_at(s, y), 4)
            elif set(y) == {0}:
                out[name + "-"] = round(float((s < 0).mean()), 4)
            cf = lab[at, 3]
            if len(set(cf[cf >= 0])) == 2:
                out[name + "/c"] = round(auc(z[at, 1][cf >= 0], cf[cf >= 0]), 4)
        return out

    def run(self):
        a, torch = self.a, self.torch
        os.makedirs(a.out, exist_ok=True)
        log = open(a.out + "/metrics.jsonl", "a")

        def say(**x):
            print(json.dumps(x), file=log, flush=True), print(x, flush=True)

        batches, shares, validation, transfer_set = self.split()

        def measured(step):
            say(step=step, held_out=self.report(validation), transfer=self.report(transfer_set))
            torch.save(dict(encoder=self.encoder.state_dict(), reader=self.reader.state_dict(), optimizer=opt.state_dict(), step=step), a.out + "/checkpoint.tmp")
            os.replace(a.out + "/checkpoint.tmp", a.out + "/checkpoint.pt")

        say(arguments=vars(a), shares=shares, held_out=len(validation), transfer=len(transfer_set), steps=len(batches))
        if self.options.get("view") and a.architecture == "map-transformer" and not a.random_view:
            self.start_views()
        decay = lambda ps: [p for p in ps if p.requires_grad and p.dim() > 1]
        flat = lambda ps: [p for p in ps if p.requires_grad and p.dim() <= 1]
        # The view has the encoder's rate: at the reader's it leaves the directions that it begins with, and role swaps are learnt late.
        of_reader = dict(self.reader.named_parameters())
        view = [of_reader.pop(name) for name in list(of_reader) if name == "view.weight"]
        sides = ((list(of_reader.values()), a.reader_rate), (list(self.encoder.parameters()) + view, a.encoder_rate))
        opt = torch.optim.AdamW([dict(params=f(ps), peak=r, weight_decay=w) for ps, r in sides for f, w in ((decay, .01), (flat, 0.))], fused=True)
        start, step, shown = time.time(), 0, []
        if a.resume and os.path.exists(a.out + "/checkpoint.pt"):
            ck = torch.load(a.out + "/checkpoint.pt", map_location=self.device)
            self.encoder.load_state_dict(ck["encoder"]), self.reader.load_state_dict(ck["reader"]), opt.load_state_dict(ck["optimizer"])
            step = ck["step"]
        if a.init:
            self.begin_with(a.init)
            if a.spread_head:
                # After a stage on equivalence alone the other two outputs know nothing of negatives: their first, huge losses
                # would wash out what was learnt. They begin as that output and as its opposite.
                with torch.no_grad():
                    for p in (self.reader.head.output.weight, self.reader.head.output.bias):
                        p[0], p[2] = p[1], -p[1]
        self.encoder.train(), self.reader.train()
        coin = np.random.RandomState(a.seed + 7)
        seen, by_group = 0, collections.defaultdict(list)
        trained = [p for g in opt.param_groups for p in g["params"]]
        averages = [p.detach().clone() for p in trained] if a.average else []
        for step in range(step, len(batches)):
            at = max(step / len(batches), (time.time() - start) / 60 / a.minutes if a.minutes else 0.)
            if at >= 1:
                break
            for group in opt.param_groups:
                group["lr"] = group["peak"] * min((step + 1) / a.warm_up, 1., (1 - at) / a.decay)
            index = batches[step]
            texts, labels = self.vary(*self.tensors(index, coin.rand(len(index)) < .5), coin)
            logits = self.logits(texts)
            loss = self.loss(logits, labels)
            with torch.no_grad():  # how each source is doing, in bits of surprise about its own label
                column = torch.where(labels[:, 0] == 1, 1, 0)
                own = torch.where(labels[:, 0] == 1, labels[:, 2], labels[:, 1]).float()
                surprise = self.F.binary_cross_entropy_with_logits(logits.gather(1, column[:, None])[:, 0], own, reduction="none").cpu().numpy() / np.log(2)
                for g, x in zip(self.data.group[index], surprise):
                    by_group[self.data.groups[g]].append(float(x))
            opt.zero_grad(), loss.backward()
            torch.nn.utils.clip_grad_norm_([p for g in opt.param_groups for p in g["params"]], 1.)
            opt.step()
            if averages:  # Polyak: the mean of the last 1 / (1 - average) steps generalizes better than the last one
                with torch.no_grad():
                    torch._foreach_lerp_(averages, trained, 1 - min(a.average, (step + 1) / (step + 10)))
            shown.append(loss.item())
            seen += len(index)
            if (step + 1) % a.log_every == 0:
                say(step=step + 1, of=len(batches), loss=round(float(np.mean(shown)), 4), pairs_per_second=round(seen / (time.time() - start), 1), seconds=round(time.time() - start),
                    bits={g: round(float(np.mean(x)), 2) for g, x in sorted(by_group.items())})
                shown = []
                by_group.clear()
            if (step + 1) % a.evaluate_every == 0:
                measured(step + 1)
        if averages:
            measured(step + 1)
            with torch.no_grad():
                torch._foreach_copy_(trained, averages)
        measured(step + 1)
        self.save(self.calibration(validation))

    def split(self):
        """(training, held-out, transfer) indices. Held out is by the query's tokens, so that no held-out query is trained on."""
        a, d, everything = self.a, self.data, np.arange(len(self.data))
        held = np.array([hashlib.blake2b(d.text(p[0]).tobytes(), digest_size=2).digest()[0] < 256 * a.held_out for p in d.pairs])
        transfer = np.isin(d.group, [i for i, g in enumerate(d.groups) if g in set(a.transfer or [])])
        rng = np.random.RandomState(1)

        def few(mask):
            return np.concatenate([rng.permutation(everything[mask & (d.group == g)])[:a.held_out_cap] for g in range(len(d.groups))])

        train = everything[~held & ~transfer]
        batches, shares = self.schedule(train)
        trained = np.isin(d.group, [i for i, g in enumerate(d.groups) if g in shares])
        return batches, shares, few(held & trained & ~transfer), few(transfer)

    def calibration(self, index):
        """Platt scaling (Platt 1999) of each output on held-out pairs: p = sigmoid(scale * logit + offset)."""
        labels, out = self.data.labels[index], {}
        z = self.evaluate(index)
        for column, name in ((1, "support"), (2, "equivalence"), (3, "conflict")):
            known = (labels[:, column] >= 0) & ((labels[:, 0] == 1) if name == "equivalence" else (labels[:, 0] == 0))
            x, y, w = z[known, 1 if name == "conflict" else 0].astype(np.float64), labels[known, column], np.array([1., 0.])
            for _ in range(50):  # Newton's method on two parameters
                p = 1 / (1 + np.exp(-(w[0] * x + w[1])))
                X = np.stack([x, np.ones_like(x)], 1)
                w = w - np.linalg.solve(X.T @ (X * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2), X.T @ (p - y) + 1e-3 * (w - [1, 0]))
            out[name] = dict(scale=round(float(w[0]), 4), offset=round(float(w[1]), 4))
        return out

    def save(self, calibration=None):
        """The folder that `vetted` opens. Matrices as int8 with a scale per row (`--storage i8`), or as halves or floats."""
        import torch
        from safetensors.torch import save_file
        a, reader = self.a, {**self.options, "view": self.options["view"] or self.encoder.hidden}
        os.makedirs(a.out, exist_ok=True)
        tensors = {k: v.detach().float().cpu().contiguous() for k, v in {**self.reader.named(), **self.encoder.trained()}.items()}
        if a.architecture == "map-transformer" and "view.weight" in tensors:
            # A rotation changes no similarity, and spreads what principal components hold in their first dimensions: the
            # range that a byte has to cover shrinks.
            torch.manual_seed(0)
            rotation, _ = torch.linalg.qr(torch.randn(reader["view"], reader["view"]))
            tensors["view.weight"], reader["view_range"] = (rotation @ tensors["view.weight"]).contiguous(), .6
        stored = {}
        for name, value in tensors.items():
            if a.storage == "i8" and value.dim() == 2 and name.startswith("encoder."):
                scale = value.abs().amax(1).clamp(min=1e-12) / 127
                stored[name], stored[name + ".scale"] = (value / scale[:, None]).round().clamp(-127, 127).to(torch.int8), scale
            else:
                stored[name] = value.half() if a.storage != "f32" and value.dim() == 2 else value
        save_file(stored, a.out + "/model.safetensors")
        sha = hashlib.sha256(open(a.model + "/model.safetensors", "rb").read()).hexdigest()
        config = dict(format=1, architecture=a.architecture, name=a.name, base=dict(name="all-MiniLM-L6-v2", sha256=sha, hidden=self.encoder.hidden, layers=len(self.encoder.layers)),
                      encoder=dict(trained_from_layer=a.trained_from, max_tokens=MAX_TOKENS), reader=reader, kinds=KINDS)
        if self.joint:
            config["reader"] = {}
        if calibration:
            config["calibration"] = calibration
        json.dump(config, open(a.out + "/config.json", "w"), indent=2)


def export(a):
    """A run's last checkpoint as a verifier's folder, calibrated on the run's held-out pairs."""
    arguments = argparse.Namespace(**{**json.loads(open(a.run + "/metrics.jsonl").readline())["arguments"], "out": a.out, "storage": a.storage, "threads": a.threads})
    trainer = Trainer(arguments)
    checkpoint = trainer.torch.load(a.run + "/checkpoint.pt", map_location=trainer.device)
    trainer.encoder.load_state_dict(checkpoint["encoder"]), trainer.reader.load_state_dict(checkpoint["reader"])
    _, _, held_out, _ = trainer.split()
    calibration = trainer.calibration(held_out)
    print(calibration, trainer.report(held_out))
    trainer.save(calibration)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    p = sub.add_parser("pack")
    p.add_argument("pairs", nargs="+"), p.add_argument("--tokenizer", required=True), p.add_argument("--out", required=True), p.add_argument("--only", nargs="*")
    p.add_argument("--sources", metavar="FILE.json", help="what is known about data sets whose files do not say it: sources.json")
    t = sub.add_parser("train")
    for name, default in dict(model=None, data=None, out=None, architecture="map-transformer", name="vetted-minilm", visits=60000, batch=64, seed=0, threads=0, device="",
                              view=48, traits=8, lexical=1, width=128, layers=2, patch=4, trained_from=0, reader_rate=5e-4, encoder_rate=1e-4, warm_up=150, minutes=0.,
                              decay=1., held_out=.05, held_out_cap=800, log_every=50, evaluate_every=10**9, init="", storage="f16", identical=.02, stranger=0., unstopped=.1, rename=0., average=0., drop=0., missing_words=0.).items():
        t.add_argument("--" + name.replace("_", "-"), default=default, type=type(default) if default is not None else str)
    t.add_argument("--share", nargs="*", default=["*=1"]), t.add_argument("--transfer", nargs="*"), t.add_argument("--convolutions", nargs="*", type=int, default=[]), t.add_argument("--resume", action="store_true"), t.add_argument("--random-view", action="store_true"), t.add_argument("--spread-head", action="store_true")
    e = sub.add_parser("export")
    e.add_argument("--run", required=True), e.add_argument("--out", required=True), e.add_argument("--storage", default="i8"), e.add_argument("--threads", type=int, default=0)
    a = ap.parse_args()
    dict(pack=pack, export=export, train=lambda a: Trainer(a).run())[a.command](a)


if __name__ == "__main__":
    main()
