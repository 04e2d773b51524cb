"""Text and pairs on their way into training: what is held out, and what pairs are made of.

  python recipes/data.py hold-out PAIRS.tsv[.gz] --groups paws_wiki=700 qqp=700 --pairs-of snli=120 --train train.tsv --held-out held.tsv
  python recipes/data.py questions --out questions.tsv SQUAD_FORMAT.json...
  python recipes/data.py sentences --out sentences.txt --pairs PAIRS.tsv[.gz] --squad FILE.json... --beir FOLDER... --without held.tsv
  python recipes/data.py sample PAIRS.tsv --of snli conjnli --count 40000 --out some.tsv
  python recipes/data.py contexts --pairs synthetic.tsv --out contexts.tsv --squad FILE.json... --beir FOLDER...
  python recipes/data.py passages --sources recipes/sources.json --pairs pairs.tsv synthetic.tsv --of negated=50000 snli=10000 --out passages.tsv

`hold-out` splits labelled pairs so that what is held out shares no text with the rest. `questions` makes pairs of questions and
passages, answered or not, out of SQuAD-format files. `sentences` collects the sentences that `vetted synth` edits, `sample` the pairs
that it negates. `contexts` puts edited sentences back between their neighbors, `passages` puts candidates among others. Needs nothing but Python.
"""
import argparse, collections, csv, gzip, json, random, re


def rows(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="\n") as f:
        yield from csv.DictReader((line.replace("\r", "") for line in f), delimiter="\t", quoting=csv.QUOTE_NONE)


class Sources:
    """What is known about data sets whose files do not say it: sources.json. `vetted` reads the same file (pairs::Sources)."""

    def __init__(self, path):
        self.known = json.load(open(path)) if path else {}

    def of(self, row):
        name = row.get("source", "")
        beginnings = [known for known in self.known if known.endswith("*") and name.startswith(known[:-1])]
        return self.known.get(name) or self.known.get(max(beginnings, key=len, default=""), {})

    def relation(self, row):
        return row.get("relation") or self.of(row).get("relation", "equivalence")

    def negatives(self, row):
        return self.of(row).get("negatives", {})


def table(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="\n") as f:
        header, *rows = (line.rstrip("\n").split("\t") for line in f)
    return header, rows


def write(path, header, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines("\t".join(row) + "\n" for row in [header] + rows)


def counts(parts):
    return {source: int(count) for source, count in (part.split("=") for part in parts)}


def hold_out(a):
    """Pairs of `--groups` that share a text, directly or through others, stay together, so that none is lost; of `--pairs-of` single
    pairs are drawn, and what shares a text with them is left out altogether, but for `--neutral` undecided pairs of each of these sources:
    probabilities that are fitted without them are too high."""
    groups, single = counts(a.groups), counts(a.pairs_of)
    header, rows = table(a.pairs)
    source, s1, s2, label = (header.index(name) for name in ("source", "s1", "s2", "equiv"))
    labelled = [row for row in rows if row[label] in ("0", "1")]
    parent = {}

    def root(text):
        while parent.setdefault(text, text) != text:
            parent[text] = text = parent[parent[text]]
        return text

    grouped = [row for row in labelled if row[source] in groups]
    for row in grouped:
        parent[root(row[s1])] = root(row[s2])
    together = collections.defaultdict(list)
    for index, row in enumerate(grouped):
        together[root(row[s1])].append(index)
    order, held, count = list(together), set(), collections.Counter()
    random.Random(a.seed).shuffle(order)
    for key in order:
        name = grouped[together[key][0]][source]
        if count[name] < groups[name] and len(together[key]) < 40:  # one large group would be all that is held out
            held.update(together[key])
            count[name] += len(together[key])
    out, rng = [grouped[index] for index in range(len(grouped)) if index in held], random.Random(5)
    for name, wanted in single.items():
        of_source = [row for row in labelled if row[source] == name]
        rng.shuffle(of_source)
        out += of_source[:wanted]
    texts = {row[side] for row in out for side in (s1, s2)}
    rest = [row for row in rows if not {row[s1], row[s2]} & texts and (not a.only or row[source] in a.only)]
    for name in single:
        undecided = [row for row in rows if row[source] == name and row[label] == "N" and {row[s1], row[s2]} & texts]
        rng.shuffle(undecided)
        out += undecided[:a.neutral]
    write(a.train, header, rest), write(a.held_out, header, out)
    print(f"{len(rest)} pairs to train on, {len(out)} held out: {dict(collections.Counter(row[source] for row in out))}")


def sample(a):
    header, rows = table(a.pairs)
    rows = [row for row in rows if row[header.index("source")] in a.of]
    random.Random(1).shuffle(rows)
    write(a.out, header, rows[:a.count])


LONGEST = 50  # words and punctuation marks: what the verifier reads of a candidate at once is 64 tokens, of which two are special
COLUMNS = "source split phenomenon relation equiv conflict kind s1 s2".split()
# Sentences that pairs may be made of, by source, and at most how many: the free group of shared/README.md, QQP and MRPC.
SENTENCES = dict.fromkeys(["paws_wiki", "mrpc", "cannot_wikifactcheck-english", "cad_nli", "snli", "conjnli", "fever_symmetric", "negclip_coco"], 30000) | dict(qqp=25000)


def split_sentences(text):
    return [s.strip() for s in re.split(r'(?<=[.!?])\s+(?=[A-Z"(])', text.replace("\n", " ").replace("\t", " ")) if s.strip()]


def paragraphs(paths):
    for path in paths:
        for document in json.load(open(path))["data"]:
            yield from document["paragraphs"]


def questions(a):
    """A question with the sentences that answer it (and their neighbor), and with others of the same paragraph, which do not."""
    rng, made = random.Random(0), []
    for paragraph in paragraphs(a.squad):
        context = paragraph["context"].replace("\n", " ").replace("\t", " ")
        sentences = split_sentences(context)
        starts = [context.find(s) for s in sentences]
        for qa in paragraph["qas"]:
            at = qa["answers"][0]["answer_start"]
            gold = max((i for i, s in enumerate(starts) if s <= at), default=0)
            windows = [sentences[gold]] + ([" ".join(sentences[gold - 1:gold + 1])] if gold else [" ".join(sentences[gold:gold + 2])])
            others = [s for i, s in enumerate(sentences) if i != gold and qa["answers"][0]["text"].lower() not in s.lower()]
            answers = [("answered", "1", dict.fromkeys(windows)), ("same-paragraph", "0", rng.sample(others, min(2, len(others))))]
            for phenomenon, label, texts in answers:
                made += [["questions", "train", phenomenon, "support", label, "0", "", text, qa["question"].replace("\t", " ")] for text in texts]
    write(a.out, COLUMNS, made)


def sentences(a):
    """Sentences of 4 to 38 words, each once, in a fixed random order."""
    found = collections.defaultdict(dict)

    def add(source, text):
        if 4 <= len(text.split()) <= 38:
            found[source][text.strip()] = None

    for path in a.pairs:
        for row in rows(path):
            if row.get("source") in SENTENCES:
                add(row["source"], row["s1"])
                if row["source"] not in ("qqp", "negclip_coco", "conjnli"):
                    add(row["source"], row["s2"])
    for paragraph in paragraphs(a.squad):
        for sentence in split_sentences(paragraph["context"]):
            add("squad", sentence)
    for folder in a.beir:
        for line in open(folder + "/corpus.jsonl"):
            for sentence in split_sentences(json.loads(line)["text"])[:6]:
                add("beir", sentence)
    rng, everything = random.Random(0), []
    for source in sorted(found):
        texts = sorted(found[source])
        rng.shuffle(texts)
        everything += texts[:SENTENCES.get(source, 20000)]
    rng.shuffle(everything)
    if a.without:
        held = {row[side].strip() for row in rows(a.without) for side in ("s1", "s2")}
        everything = [text for text in everything if text not in held]
        random.Random(3).shuffle(everything)
    open(a.out, "w").write("\n".join(everything[:a.most]) + "\n")


def alike(one, other):
    one, other = set(one.lower().split()), set(other.lower().split())
    return len(one & other) > .6 * len(one | other)


def contexts(a):
    """Pairs whose candidate, or the sentence it was edited from, stands in a paragraph: the same pair with its neighbors around it.
    What an engine verifies is a window of a passage, not a sentence."""
    rng, neighbors = random.Random(0), {}
    texts = [p["context"] for p in paragraphs(a.squad)] + [json.loads(line)["text"] for folder in a.beir for line in open(folder + "/corpus.jsonl")]
    for text in texts:
        parts = split_sentences(text)
        for i, sentence in enumerate(parts):
            neighbors[sentence] = (parts[i - 1] if i else "", parts[i + 1] if i + 1 < len(parts) else "")
    made, pairs = [], list(rows(a.pairs))
    # Where both texts of a pair were edited, another pair of the same query has the sentence as it stood.
    original = {row["s2"]: row["s1"] for row in pairs if row["s1"] in neighbors}
    for row in pairs:
        stood = next((s for s in (row["s1"], row["s2"], original.get(row["s2"])) if s in neighbors), None)
        if stood is None or not alike(stood, row["s1"]):
            continue
        before, after = neighbors[stood]
        window = rng.choice([[before, row["s1"]], [row["s1"], after], [before, row["s1"], after]])
        text = " ".join(x for x in window if x)
        if text == row["s1"] or len(text.split()) > 48:
            continue
        # What stands around a text is no part of its meaning, but of what it supports.
        conflict = row["conflict"] or ("0" if row["equiv"] == "1" else "")
        made.append(["contexts", "train", row["phenomenon"], "support", row["equiv"], conflict, row["kind"], text, row["s2"]])
    write(a.out, COLUMNS, made)
    print(len(made), "pairs in context")


def passages(a):
    """Passages put together from sentences that have nothing to do with each other: the candidate of a labelled pair stands among one to
    four candidates of other pairs, negated ones among them, so that neither "not" nor a word of the query's, somewhere in the passage, says
    anything. Of each source as many pairs that support their query as do not."""
    rng, wanted, sources = random.Random(1), counts(a.of), Sources(a.sources)
    by_label = collections.defaultdict(list)
    for path in a.pairs:
        for row in rows(path):
            if row["source"] in wanted and sources.relation(row) == "support":
                by_label[row["source"], row["equiv"] == "1"].append(row)
    strangers = [row["s1"] for pairs in by_label.values() for row in rng.sample(pairs, min(len(pairs), 20_000))]
    made = []
    for (source, label), pairs in by_label.items():
        for row in rng.choices(pairs, k=wanted[source] // 2):
            parts, words, query = [row["s1"]], length(row["s1"]), set(row["s2"].lower().split())
            for other in rng.sample(strangers, rng.randint(1, 4)):
                # What shares half its words with the query might answer it.
                if words + length(other) <= LONGEST and len(query & set(other.lower().split())) < .5 * len(query):
                    parts.insert(rng.randint(0, len(parts)), other)
                    words += length(other)
            if len(parts) > 1:
                passage = " ".join(part if part[-1:] in ".!?" else part.rstrip() + "." for part in parts)
                # What follows, or is left open, contradicts nothing.
                conflict = row.get("conflict") or ("0" if row["equiv"] != "0" else "1" if sources.negatives(row).get("conflict") else "")
                made.append(["passages", "train", row["phenomenon"], "support", "01"[label], conflict, row.get("kind", ""), passage, row["s2"]])
    rng.shuffle(made)
    write(a.out, COLUMNS, made)
    print(len(made), "pairs in passages")


def length(text):
    return len(re.findall(r"\w+|[^\w\s]", text))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    h = sub.add_parser("hold-out")
    h.add_argument("pairs"), h.add_argument("--groups", nargs="*", default=[], metavar="SOURCE=PAIRS"), h.add_argument("--pairs-of", nargs="*", default=[], metavar="SOURCE=PAIRS")
    h.add_argument("--only", nargs="*", metavar="SOURCE"), h.add_argument("--train", required=True), h.add_argument("--held-out", required=True), h.add_argument("--neutral", type=int, default=0, metavar="PAIRS"), h.add_argument("--seed", type=int, default=3)
    q = sub.add_parser("questions")
    q.add_argument("squad", nargs="+"), q.add_argument("--out", required=True)
    s = sub.add_parser("sentences")
    s.add_argument("--out", required=True), s.add_argument("--pairs", nargs="*", default=[]), s.add_argument("--squad", nargs="*", default=[]), s.add_argument("--beir", nargs="*", default=[])
    s.add_argument("--without", metavar="PAIRS.tsv"), s.add_argument("--most", type=int)
    m = sub.add_parser("sample")
    m.add_argument("pairs"), m.add_argument("--of", nargs="+", required=True, metavar="SOURCE"), m.add_argument("--count", type=int, required=True), m.add_argument("--out", required=True)
    c = sub.add_parser("contexts")
    c.add_argument("--pairs", required=True), c.add_argument("--out", required=True), c.add_argument("--squad", nargs="*", default=[]), c.add_argument("--beir", nargs="*", default=[])
    t = sub.add_parser("passages")
    t.add_argument("--sources", metavar="FILE.json", help="what is known about data sets whose files do not say it: sources.json")
    t.add_argument("--pairs", nargs="+", required=True), t.add_argument("--of", nargs="+", required=True, metavar="SOURCE=PAIRS"), t.add_argument("--out", required=True)
    a = ap.parse_args()
    {"hold-out": hold_out, "questions": questions, "sentences": sentences, "sample": sample, "contexts": contexts, "passages": passages}[a.command](a)


if __name__ == "__main__":
    main()
