use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::*;

/// Miri takes a thousand times as long.
const MANY: usize = if cfg!(miri) { 3 } else { 300 };

/// Waits for what other threads are about to do.
fn eventually(what: &str, happens: impl Fn() -> bool) {
    let start = Instant::now();
    while !happens() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::yield_now();
    }
}

fn teams() -> Vec<Team> {
    [1, 2, 5].map(|threads| Compute::with_threads(threads).team()).into_iter().chain([Team::alone()]).collect()
}

#[test]
fn every_share_is_done_once() {
    for mut team in teams() {
        for shares in (0..40).chain([1000]) {
            let counts: Vec<AtomicUsize> = (0..shares).map(|_| AtomicUsize::new(0)).collect();
            team.run(shares, |share| {
                counts[share].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{shares} shares");
        }
    }
}

#[test]
fn more_shares_than_a_board_holds_are_done_once_too() {
    if cfg!(miri) {
        return;
    }
    for mut team in teams() {
        let doubled = team.map(0..150_000usize, || (), |(), item, _| 2 * item);
        assert!(doubled.iter().enumerate().all(|(item, doubled)| *doubled == 2 * item) && doubled.len() == 150_000);
    }
}

#[test]
fn a_map_keeps_the_order_and_its_memory_is_made_once_a_thread() {
    for mut team in teams() {
        let made = AtomicUsize::new(0);
        let memory = || {
            made.fetch_add(1, Ordering::Relaxed);
            Vec::new()
        };
        let work = |memory: &mut Vec<usize>, item: usize, team: &mut Team| {
            assert_eq!(team.size(), 1);
            memory.push(item);
            item + 1
        };
        assert_eq!(team.map(0..50, memory, work), (1..51).collect::<Vec<_>>());
        assert!(made.into_inner() <= 5);
        assert_eq!(team.try_map(0..50, |item| if item % 20 == 19 { Err(item) } else { Ok(item) }), Err(19));
    }
}

#[test]
fn the_only_item_of_a_map_gets_the_team() {
    let mut team = Compute::with_threads(3).team();
    assert_eq!(team.map([()], || (), |(), (), team| team.size()), [3]);
}

#[test]
fn a_panic_reaches_the_caller_and_the_team_works_on() {
    for mut team in teams() {
        for _ in 0..if cfg!(miri) { 1 } else { 20 } {
            let run = AssertUnwindSafe(|| team.run(8, |share| assert!(share % 3 != 1)));
            assert!(catch_unwind(run).is_err());
            let count = AtomicUsize::new(0);
            team.run(8, |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 8);
        }
    }
}

#[test]
fn an_idle_machine_gives_all_its_threads() {
    let compute = Compute::with_threads(4);
    let team = compute.team();
    assert_eq!(team.size(), 4);
    drop(team);
    eventually("every permit coming back", || compute.permits().free() == 4);
}

#[test]
fn helpers_do_take_shares() {
    let compute = Compute::with_threads(3);
    let mut team = compute.team();
    let threads = Mutex::new(std::collections::HashSet::new());
    let work = |_| {
        threads.lock().unwrap().insert(std::thread::current().id());
        std::thread::sleep(Duration::from_micros(100));
    };
    let start = Instant::now();
    while threads.lock().unwrap().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "no helper comes");
        team.run(12, work);
    }
}

#[test]
fn a_busy_machine_gives_each_request_one_thread() {
    let compute = Compute::with_threads(2);
    let mut first = compute.team();
    let (started, release) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let second = compute.team(); // gets the permit of the first one's helper
            started.store(true, Ordering::Release);
            assert_eq!(second.size(), 1);
            eventually("the end of the test", || release.load(Ordering::Acquire));
        });
        let one_at_a_time = || first.run(4, |_| std::thread::yield_now());
        let mut one_at_a_time = one_at_a_time;
        while !started.load(Ordering::Acquire) {
            one_at_a_time();
        }
        assert_eq!(first.size(), 1);
        release.store(true, Ordering::Release);
    });
    eventually("what is spare comes back", || first.size() == 2);
}

#[test]
fn a_helper_leaves_in_the_middle_of_the_work_and_another_comes() {
    let compute = Compute::with_threads(2);
    let mut team = compute.team();
    let entered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let other = || {
            drop(compute.team());
            entered.fetch_add(1, Ordering::Release);
        };
        let first = AtomicBool::new(true);
        // All of these shares are one piece of work, which ends when the others have had their turn.
        team.map(
            0..2000,
            || (),
            |(), _, _| {
                if first.swap(false, Ordering::Relaxed) {
                    (0..3).for_each(|_| drop(scope.spawn(other)));
                }
                if entered.load(Ordering::Acquire) < 3 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            },
        );
        assert_eq!(entered.load(Ordering::Acquire), 3, "others waited for the end");
    });
}

#[test]
fn first_come_first_served() {
    let compute = Compute::with_threads(1);
    let holder = compute.team();
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for request in 0..8 {
            let (compute, order) = (&compute, &order);
            scope.spawn(move || {
                let _team = compute.team();
                order.lock().unwrap().push(request);
            });
            eventually("standing in line", || compute.waiting() == request + 1);
        }
        drop(holder);
    });
    assert_eq!(order.into_inner().unwrap(), (0..8).collect::<Vec<_>>());
    assert_eq!((compute.waiting(), compute.permits().free()), (0, 1));
}

#[test]
fn who_waits_too_long_or_is_cancelled_leaves_the_line() {
    let compute = Compute::with_threads(1);
    let holder = compute.team();
    let cancellation = Cancellation::default();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| compute.enter(&Deadline::after(Duration::from_millis(20))).err());
        let cancelled = scope.spawn(|| compute.enter(&Deadline::none().or_cancelled(&cancellation)).err());
        let patient = scope.spawn(|| compute.enter(&Deadline::after(Duration::from_secs(600))).err());
        assert_eq!(late.join().unwrap(), Some(Expired::Time));
        eventually("standing in line", || compute.waiting() == 2);
        cancellation.cancel();
        assert_eq!(cancelled.join().unwrap(), Some(Expired::Cancelled));
        drop(holder);
        assert_eq!(patient.join().unwrap(), None);
    });
    assert_eq!((compute.waiting(), compute.permits().free()), (0, 1));
    assert!(compute.enter(&Deadline::none().or_cancelled(&cancellation)).is_err());
    assert_eq!(compute.permits().free(), 1);
}

#[test]
fn entering_twice_does_not_wait_for_oneself() {
    let compute = Compute::with_threads(1);
    let outer = compute.team();
    let inner = compute.team();
    assert_eq!((outer.size(), inner.size()), (1, 1));
    drop((outer, inner));
    assert_eq!(compute.permits().free(), 1);
    // Nor does a helper that enters from within a share of somebody's work.
    let compute = Compute::with_threads(3);
    let mut team = compute.team();
    team.run(100, |_| drop(compute.team()));
}

#[test]
fn a_team_tells_its_shares_when_the_result_is_no_longer_wanted() {
    let compute = Compute::with_threads(2);
    let cancellation = Cancellation::default();
    let mut team = compute.enter(&Deadline::none().or_cancelled(&cancellation)).unwrap();
    let work = |(): &mut (), item: usize, team: &mut Team| {
        if item == 3 {
            cancellation.cancel();
        }
        team.check()
    };
    let done: Vec<Result<(), Expired>> = team.map(0..1000, || (), work);
    assert_eq!(done[999], Err(Expired::Cancelled));
}

#[test]
fn no_share_and_no_permit_is_lost_when_everybody_comes_and_goes() {
    let compute = Compute::with_threads(3);
    let sum = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (compute, sum) = (&compute, &sum);
            scope.spawn(move || {
                for round in 0..MANY as u64 {
                    let impatient = Deadline::after(Duration::from_micros(thread * round % 97));
                    if round % 3 == 0 && compute.enter(&impatient).is_err() {
                        continue;
                    }
                    let mut team = compute.team();
                    for _ in 0..4 {
                        team.run(5, |share| {
                            sum.fetch_add(share, Ordering::Relaxed);
                        });
                    }
                    sum.fetch_sub(40, Ordering::Relaxed);
                    if round % 7 == 0 {
                        std::thread::sleep(Duration::from_micros(thread * 20)); // helpers fall asleep
                    }
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 0);
    eventually("every permit coming back", || compute.permits().free() == 3);
    assert_eq!(compute.waiting(), 0);
}

#[test]
fn threads_end_with_the_last_handle() {
    let compute = Compute::with_threads(3);
    let alive = Arc::new(());
    let (sender, receiver) = mpsc::channel();
    let mut team = compute.team();
    team.run(50, |_| {
        thread_local! { static KEPT: RefCell<Option<Arc<()>>> = const { RefCell::new(None) }; }
        KEPT.set(Some(alive.clone()));
    });
    let other = compute.clone();
    drop((team, compute));
    std::thread::spawn(move || {
        drop(other);
        sender.send(()).unwrap();
    });
    receiver.recv().unwrap();
    // Only this thread's own is left.
    assert!(Arc::strong_count(&alive) <= 2);
}

/// Of the whole process, tests beside this one included, so it looks at its own threads one by one.
#[cfg(target_os = "linux")]
#[test]
fn threads_without_work_take_no_processor_time() {
    if cfg!(miri) {
        return;
    }
    let compute = Compute::with_threads(4);
    let ids = Mutex::new(std::collections::HashSet::new());
    let mut team = compute.team();
    let start = Instant::now();
    while ids.lock().unwrap().len() < 4 {
        assert!(start.elapsed() < Duration::from_secs(20), "no helper comes");
        team.run(16, |_| {
            let own = std::fs::read_link("/proc/thread-self").unwrap();
            ids.lock().unwrap().insert(std::path::Path::new("/proc").join(own));
            std::thread::sleep(Duration::from_micros(100));
        });
    }
    let own = std::path::Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap());
    // Nanoseconds on a processor, of the helpers.
    let used = || -> u64 {
        let of = |thread: &std::path::PathBuf| std::fs::read_to_string(thread.join("schedstat")).unwrap();
        let ids = ids.lock().unwrap();
        ids.iter()
            .filter(|thread| **thread != own)
            .map(|it| of(it).split(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    std::thread::sleep(Duration::from_millis(50));
    let before = used();
    std::thread::sleep(Duration::from_millis(300));
    assert!(used() - before < 1_000_000, "{} ns while there was nothing to do", used() - before);
}
