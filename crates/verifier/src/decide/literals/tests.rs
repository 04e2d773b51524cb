use proptest::prelude::*;

use super::*;

/// What is expected of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    Agree,
    Doubtful,
    Differ,
}
use Class::{Agree, Differ, Doubtful};

fn class(one: &str, other: &str) -> Class {
    match agreement(one, other) {
        Agreement::Agree => Agree,
        Agreement::Doubtful(_) => Doubtful,
        Agreement::Differ(_) => Differ,
    }
}

fn check(rows: &[(&str, &str, Class)]) {
    for (one, other, expected) in rows {
        assert_eq!(class(one, other), *expected, "{one} / {other}");
        assert_eq!(class(other, one), *expected, "{other} / {one}");
        assert_eq!([class(one, one), class(other, &format!(" {other}"))], [Agree; 2], "{one} / {other}");
    }
}

#[test]
fn equal_values_agree_in_whatever_form() {
    check(&[
        ("Set the timer to 20 minutes", "Set the timer to 20 min", Agree),
        ("Is 4.50 kg too heavy?", "Is 4.5 kilograms too heavy?", Agree),
        ("How long is the walk of three miles?", "How long is the walk of 3 miles?", Agree),
        ("Two hundred and fifty guests came.", "250 guests came.", Agree),
        ("A hundred guests came.", "100 guests came.", Agree),
        ("Twenty-five guests came.", "25 guests came.", Agree),
        ("A 10-year-old boy", "A ten year old boy", Agree),
        ("I paid \u{20ac}2,300", "I paid 2300 euros", Agree),
        ("It costs $5 million", "It costs 5,000,000 dollars", Agree),
        ("It costs $5m", "It costs $5 million", Agree),
        ("It rose by 50 %", "It rose by 50 percent", Agree),
        ("The train leaves at 7 pm", "The train leaves at 19:00", Agree),
        ("The train leaves at 7:30 p.m.", "The train leaves at 7:30 PM", Agree),
        ("The train leaves at noon", "The train leaves at 12 pm", Agree),
        ("On 5 May 2020 it rained.", "On May 5, 2020 it rained.", Agree),
        ("On 2020-05-06 it rained.", "On May 6, 2020 it rained.", Agree),
        ("How warm is 30 \u{b0}C?", "How warm is 30 degrees Celsius?", Agree),
        ("The 2nd floor is closed.", "The second floor is closed.", Agree),
        ("Take a pill", "Take 1 pill", Agree),
        ("10-20 people came.", "10 to 20 people came.", Agree),
        ("What is new in v2.4?", "What is new in version 2.4?", Agree),
        ("The laptop has 16 gb of memory", "The laptop has 16GB of memory", Agree),
        ("It weighs 5 lbs", "It weighs 5 pounds", Agree),
        ("Is 8 less than 9?", "Is 8 < 9?", Agree),
        ("What is 12 + 4?", "What is 12 plus 4?", Agree),
        ("What is 3 \u{d7} 4?", "What is 3 * 4?", Agree),
        ("It is 10x faster.", "It is 10 times faster.", Agree),
        ("Mix 2 parts water and 5 parts sand", "Mix 5 parts sand and 2 parts water", Agree),
        ("They took back notes of 20 and 50 francs.", "They took back notes of 50 and 20 francs.", Agree),
    ]);
}

#[test]
fn another_value_or_unit_is_another_thing() {
    check(&[
        ("Set the timer to 20 minutes", "Set the timer to 200 minutes", Differ),
        ("Set the timer to 20 minutes", "Set the timer to 20 seconds", Differ),
        ("Is 4.5 kg too heavy?", "Is 45 kg too heavy?", Differ),
        ("I paid $2,300", "I paid $2.300", Differ),
        ("I paid \u{20ac}23", "I paid \u{a3}23", Differ),
        ("It costs 99 cents", "It costs 99 dollars", Differ),
        ("The train leaves at 7:30 p.m.", "The train leaves at 7:30 a.m.", Differ),
        ("The train leaves at 7 in the morning", "The train leaves at 7 in the evening", Differ),
        ("How warm is 30 \u{b0}C?", "How warm is 30 \u{b0}F?", Differ),
        ("Is -3 a natural number?", "Is 3 a natural number?", Differ),
        ("Does 2e-4 overflow?", "Does 2e4 overflow?", Differ),
        ("The 1990s were good.", "The 1980s were good.", Differ),
        ("How do I move to Python 3.1?", "How do I move to Python 3.11?", Differ),
        ("Which towns had floods in 1953?", "Which towns had floods in 1962?", Differ),
        // Whoever writes so may mean the same.
        ("How do I move to Python 3.1?", "How do I move to Python 3.10?", Doubtful),
        ("Is a link of 5 Gb enough?", "Is a link of 5 GB enough?", Doubtful),
        ("Is 3 mW much?", "Is 3 MW much?", Doubtful),
        ("Meet me at 8 in the hall", "Meet me at 8 pm in the hall", Doubtful),
        // What only one says, in the words of the other.
        ("Name the best lakes in Italy", "Name the best 5 lakes in Italy", Doubtful),
        // In words of its own, it may be left out.
        ("Which lakes in Italy do you like?", "Name the best 5 lakes in Italy", Agree),
    ]);
}

#[test]
fn values_stand_where_they_stood() {
    check(&[
        ("Mix 2 parts water and 5 parts sand", "Mix 5 parts water and 2 parts sand", Doubtful),
        ("Does it run on Ubuntu 20.04 or Debian 12?", "Does it run on Ubuntu 12 or Debian 20.04?", Doubtful),
        ("Does it run on Ubuntu 20 or Debian 12?", "Does it run on Debian 20 or Ubuntu 12?", Doubtful),
        ("Move seat 4 to row 9", "Move seat 9 to row 4", Doubtful),
        ("It fell from 90 to 70 points", "It fell from 70 to 90 points", Doubtful),
        ("Divide 12 by 4", "Divide 4 by 12", Doubtful),
        ("What is 2^10?", "What is 10^2?", Doubtful),
        ("The score was 2-0", "The score was 0-2", Doubtful),
        ("On 2020-05-06 it rained.", "On 2020-06-05 it rained.", Doubtful),
        ("Take 3 drops every 8 hours", "Take 8 drops every 3 hours", Doubtful),
        ("Copy it from /srv/a to /srv/b", "Copy it from /srv/b to /srv/a", Doubtful),
        ("Is 2 * 3 + 4 even?", "Is 2 * (3 + 4) even?", Doubtful),
    ]);
}

#[test]
fn codes_are_equal_letter_for_letter() {
    check(&[
        ("Ping 172.16.4.1", "Ping 172.16.1.4", Differ),
        ("Is paragraph 4.1.7 in force?", "Is paragraph 4.7.1 in force?", Differ),
        ("My order is AB-1209", "My order is AB-1290", Differ),
        ("My order is AB-1209", "my order is ab-1209", Agree),
        ("Call 0123 456 789", "Call 0123 789 456", Doubtful),
        ("Map port 3000:30", "Map port 30:3000", Differ),
        ("Scale it 2:1", "Scale it 1:2", Differ),
        ("Send it to max@example.org", "Send it to tom@example.org", Differ),
        ("Run tar -c", "Run tar -C", Doubtful),
        ("Run tar -c", "Run tar -x", Differ),
        ("Run make with +r", "Run make with -r", Doubtful),
        ("Run tar --list", "Run tar --help", Differ),
        ("Read Notes.md", "Read notes.md", Doubtful),
        ("Delete the user kimB", "Delete the user KimB", Doubtful),
        ("What is the variable n for?", "What is the variable N for?", Doubtful),
        ("The secret is qW34e", "The secret is Qw34E", Doubtful),
        ("Is the library written in C?", "Is the library written in C++?", Doubtful),
    ]);
}

#[test]
fn signs_compare_and_compute_the_same() {
    check(&[
        ("Is 8 <= 9 true?", "Is 8 >= 9 true?", Differ),
        ("Is n == 4 right?", "Is n != 4 right?", Differ),
        ("Is n<4 right?", "Is n>4 right?", Differ),
        ("Is n<4 right?", "Is n < 4 right?", Agree),
        ("Show invoices over $50", "Show invoices under $50", Differ),
        ("Show invoices over $50", "Show invoices above $50", Agree),
        ("Show invoices of at least $50", "Show invoices of at most $50", Differ),
        ("Show invoices of no more than $50", "Show invoices of up to $50", Agree),
        ("Does the lift carry up to 6 people?", "Does the lift carry more than 6 people?", Differ),
        ("What is 12 + 4?", "What is 12 - 4?", Differ),
        ("What is 12 divided by 4?", "What is 12 times 4?", Differ),
    ]);
}

#[test]
fn opposites_are_no_paraphrases() {
    check(&[
        ("How do I undelete a note?", "How do I delete a note?", Differ),
        ("How do I untag someone?", "How do I tag someone?", Differ),
        ("Is the form valid?", "Is the form invalid?", Differ),
        ("Is the water drinkable?", "Is the water undrinkable?", Differ),
        ("How do I connect the printer?", "How do I disconnect the printer?", Differ),
        ("Is the upload slow?", "Is the download slow?", Differ),
        ("Who is the payer?", "Who is the payee?", Differ),
        ("How can I start the pump?", "How can I stop the pump?", Differ),
        ("What must a landlord pay?", "What must a tenant pay?", Differ),
        ("Open on Mondays", "Open on Fridays", Differ),
        ("Do all members have a key?", "Do some members have a key?", Doubtful),
        ("When did the gate open?", "When does the gate open?", Doubtful),
        ("Turn the lamp on", "Turn the lamp off", Doubtful),
        ("Can I sign up without a card?", "Can I sign up with a card?", Doubtful),
        // In other words, too.
        ("What is the best way to block a caller?", "How do I unblock a caller?", Doubtful),
        // What is denied is its opposite.
        ("Is it allowed to park here?", "Is it not forbidden to park here?", Agree),
        ("How hard is it to learn Danish?", "Is it easy to learn Danish?", Agree),
        ("How do I begin to paint?", "How do I start to paint?", Agree),
        ("Is a nonbinding vote useful?", "Is a non-binding vote useful?", Agree),
    ]);
}

#[test]
fn letters_count_where_they_make_another_word() {
    check(&[
        ("How is Mu\u{f1}oz?", "How is Munoz?", Doubtful),
        ("What does pap\u{e1} mean?", "What does papa mean?", Doubtful),
        ("Where is the caf\u{e9}?", "Where is the cafe?", Agree),
        ("How is Mu\u{f1}oz?", "How is Mun\u{303}oz?", Agree),
        ("Polish is hard to learn.", "polish is hard to learn.", Agree),
        ("Where do I buy good polish?", "Where do I buy good Polish?", Doubtful),
        ("Does the form help us?", "Does the form help US?", Doubtful),
        ("does the form help us", "Does the form help US?", Agree),
        ("THE PUMP IS BROKEN", "The pump is broken", Agree),
        ("how do i fix my iphone", "How do I fix my iPhone?", Agree),
        ("How do i fix my Iphone", "How do I fix my iPhone?", Agree),
        ("The first answer is right.", "the first answer is right", Agree),
        ("How many people live in india?", "How many people live in India?", Agree),
    ]);
}

#[test]
fn a_difference_has_a_kind() {
    for (one, other, kind) in [
        ("Is 30 km far?", "Is 40 km far?", Kind::Number),
        ("Is 30 km far?", "Is 30 miles far?", Kind::Unit),
        ("Was it built in 1911?", "Was it built in 1921?", Kind::Date),
        ("Is it open at 9 am?", "Is it open at 9 pm?", Kind::Date),
        ("Is 8 < 9?", "Is 8 > 9?", Kind::Comparison),
        ("Walk to the north gate", "Walk to the south gate", Kind::Direction),
        ("How do I tie it?", "How do I untie it?", Kind::Antonym),
    ] {
        assert_eq!(agreement(one, other), Agreement::Differ(kind), "{one} / {other}");
    }
}

#[test]
fn what_supports_a_claim_does_not_say_it_with_another_value() {
    for (claim, window, kind) in [
        ("The bridge is 340 m long.", "The bridge is 430 m long.", Some(Kind::Number)),
        ("The bridge is 340 m long.", "The old bridge is 430 m long and narrow.", Some(Kind::Number)),
        ("The bridge is 340 m long.", "The bridge is 340 ft long.", Some(Kind::Unit)),
        ("The bridge is 340 m long.", "The bridge, opened in 1911, is 340 m long.", None),
        ("The bridge is 340 m long.", "The bridge has a length of 430 m.", None),
        ("More than 5 boats sank.", "7 boats sank.", None),
        ("Who sold 5 boats?", "Mara sold 7 boats.", None),
        ("The shop is closed.", "The shop is open.", None),
        ("It opens at 9 am.", "It opens at 9 pm on Mondays.", Some(Kind::Date)),
    ] {
        assert_eq!(is_said_with_another_value(claim, window), kind, "{claim} / {window}");
    }
}

proptest! {
    #[test]
    fn the_order_of_two_texts_does_not_matter(
        one in "[0-9a-cA-C.,:;<>=+*/()$%@'\u{e9}\u{b5}\u{b0} -]{0,40}",
        other in "[0-9a-cA-C.,:;<>=+*/()$%@'\u{e9}\u{b5}\u{b0} -]{0,40}",
    ) {
        prop_assert_eq!(agreement(&one, &other), agreement(&other, &one));
        prop_assert_eq!(agreement(&one, &format!("  {one}\n")), Agreement::Agree);
    }

    #[test]
    fn any_text_can_be_read(one in "\\PC{0,60}", other in "\\PC{0,60}") {
        prop_assert_eq!(agreement(&one, &other), agreement(&other, &one));
        let _ = is_said_with_another_value(&one, &other);
    }

    #[test]
    fn words_and_values_in_any_order_can_be_read(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "two", "hundred", "and", "5", "pm", "a", "million", "May", "$", "per", "cent", "more", "than", "-", "(",
                "3)", "unlock", "us", "US", "10-20", "1/2", "v1.2", "at", "least", "\u{b0}C", "degrees", "not", "x", "+",
            ]),
            0..14,
        ),
        cut in 0_usize..14,
    ) {
        let one = words.join(" ");
        let mut turned = words.clone();
        turned.rotate_left(cut.min(words.len()));
        let other = turned.join(" ");
        prop_assert_eq!(agreement(&one, &other), agreement(&other, &one));
        prop_assert_eq!(agreement(&one, &format!("{one} ")), Agreement::Agree);
    }
}
