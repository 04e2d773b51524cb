//! Words, meaning, both; and only some of the documents.
//!
//!     cargo run --release -p vetted --example hybrid_and_filters

use vetted::corpus::{ReadOptions, read};
use vetted::{Engine, Filter, Fusion, Mode, Normalization, Search};

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let corpus = folder.path().join("parts.csv");
    std::fs::write(
        &corpus,
        "id,title,text,price\n\
         M4-20,Machine screw,\"M4 x 20 mm, stainless steel, hexagon socket\",0.12\n\
         M5-20,Machine screw,\"M5 x 20 mm, stainless steel, hexagon socket\",0.15\n\
         W4,Washer,\"for M4 screws, brass\",0.03\n\
         G10,Garden glove,\"keeps hands dry while weeding\",6.50\n",
    )?;
    let engine = Engine::builder(folder.path().join("parts.index")).open_or_create()?;
    engine.upsert(read(&[corpus], &ReadOptions::default()).collect::<Result<_, _>>()?)?;

    // A part number is a word, not a meaning: BM25 finds it.
    let bm25 = Search::new("M5").mode(Mode::Bm25);
    assert_eq!(engine.search(&bm25)?.hits[0].id, "M5-20");

    // Hybrid search is for questions that are partly one, partly the other. Reciprocal rank fusion needs no tuning;
    // fusing scores keeps how far apart the candidates were.
    for fusion in
        [Fusion::ReciprocalRank { k: 60.0 }, Fusion::Score { alpha: 0.5, normalization: Normalization::MinMax }]
    {
        let found = engine.search(&Search::new("rustproof M4 bolt").mode(Mode::Hybrid(fusion)).k(2))?;
        for hit in found.hits {
            println!("{:.4}  {:6} dense {:?}, BM25 {:?}", hit.score, hit.id, hit.scores.dense, hit.scores.bm25);
        }
    }

    // Filters come before ranking: ask for two, and there are two if two fit.
    let cheap = Search::new("something for gardening").filter(Filter::parse("price<1")?).k(2);
    assert!(engine.search(&cheap)?.hits.iter().all(|hit| hit.id != "G10"));
    Ok(())
}
