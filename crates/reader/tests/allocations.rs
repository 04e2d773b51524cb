//! A candidate costs no allocation: an allocator counts them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use vetted_kernels::{Precision, Team};
use vetted_reader::{Config, LexicalTable, Relation, Runtime, Scorer, Scratch, Storage, Views, Weights};

const HIDDEN: usize = 24;
const WORDS: usize = 40;
const MAX: usize = 16;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; a counter without a destructor allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 29 + seed * 7919) as f32 * 12.9898).sin()).collect()
}

#[test]
fn candidates_cost_no_allocation() {
    let fixture = |name: &str| std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        for name in ["map-transformer-0", "map-transformer-1", "both-0", "f4-0", "f3-0"] {
            let storage = Storage::Int8;
            let lexical = Some(LexicalTable::new(&values(WORDS * HIDDEN, 3), HIDDEN, storage).unwrap());
            let weights = fixture(&format!("{name}.safetensors"));
            let config = Config::parse(&fixture(&format!("{name}.json"))).unwrap();
            let runtime = Runtime { precision, storage, lexical };
            let Scorer::Views(scorer) = Scorer::load(config, &Weights::parse(&weights).unwrap(), runtime).unwrap()
            else {
                panic!("{name} is no scorer over views");
            };
            let text = |tokens: usize, seed: usize| -> Views<'static> {
                let ids: Vec<u32> = (0..tokens).map(|i| ((i * 31 + seed) % WORDS) as u32).collect();
                scorer.views(&values(tokens * HIDDEN, seed), &ids).unwrap()
            };
            let query = text(MAX, 0);
            let candidates: Vec<Views> = (0..400).map(|i| text(1 + i % MAX, i)).collect();
            let (mut team, mut scratch) = (Team::alone(), Scratch::default());
            for relation in [Relation::Support, Relation::Equivalence] {
                let mut allocations = |candidates: &[Views]| {
                    let before = ALLOCATIONS.get();
                    scorer.score(&query, candidates, relation, &mut team, &mut scratch).unwrap();
                    ALLOCATIONS.get() - before
                };
                allocations(&candidates); // the working memory grows once
                let (few, many) = (allocations(&candidates[..40]), allocations(&candidates));
                assert!(few > 0, "the query's own must be counted");
                assert_eq!(few, many, "{name}, {precision:?}, {relation:?}");
            }
        }
    }
}
