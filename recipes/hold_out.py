"""Splits labelled pairs so that what is held out shares no text with the rest.

  python recipes/hold_out.py PAIRS.tsv[.gz] --of paws_wiki=700 qqp=700 --train train.tsv --held-out held.tsv

Pairs that share a text, directly or through others, stay together. Only the named sources are written, with labels 0 and 1.
"""
import argparse, collections, gzip, random


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("pairs"), ap.add_argument("--of", nargs="+", required=True, metavar="SOURCE=PAIRS")
    ap.add_argument("--train", required=True), ap.add_argument("--held-out", required=True), ap.add_argument("--seed", type=int, default=3)
    a = ap.parse_args()
    wanted = {source: int(count) for source, count in (part.split("=") for part in a.of)}
    with (gzip.open if a.pairs.endswith(".gz") else open)(a.pairs, "rt") as f:
        header, *rows = (line.rstrip("\n").split("\t") for line in f)
    source, s1, s2, label = (header.index(name) for name in ("source", "s1", "s2", "equiv"))
    rows = [row for row in rows if row[source] in wanted and row[label] in ("0", "1")]
    parent = {}

    def root(text):
        while parent.setdefault(text, text) != text:
            parent[text] = text = parent[parent[text]]
        return text

    for row in rows:
        parent[root(row[s1])] = root(row[s2])
    together = collections.defaultdict(list)
    for index, row in enumerate(rows):
        together[root(row[s1])].append(index)
    order, held, count = list(together), set(), collections.Counter()
    random.Random(a.seed).shuffle(order)
    for key in order:
        indices = together[key]
        name = rows[indices[0]][source]
        if count[name] < wanted[name] and len(indices) < 40:  # one large group would be all that is held out
            held.update(indices)
            count[name] += len(indices)
    for path, inside in ((a.train, False), (a.held_out, True)):
        with open(path, "w") as f:
            for row in [header] + [row for index, row in enumerate(rows) if (index in held) == inside]:
                f.write("\t".join(row) + "\n")
    print(f"{len(rows) - len(held)} pairs to train on, {len(held)} held out: {dict(count)}")


if __name__ == "__main__":
    main()
