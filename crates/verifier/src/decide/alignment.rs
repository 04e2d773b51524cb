//! Two sequences beside the longest that they have in common.

/// A part of one sequence, and what stands in its place in another.
pub(super) type Gap<'a, Item> = (&'a [Item], &'a [Item]);

/// Where the two differ, beside the longest that they have in common in the same order.
pub(super) fn gaps<'a, Item>(
    a: &'a [Item],
    b: &'a [Item],
    is_same: impl Fn(&Item, &Item) -> bool,
) -> Vec<Gap<'a, Item>> {
    // The length of the longest from each pair of places on.
    let mut longest = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, own) in a.iter().enumerate().rev() {
        for (j, other) in b.iter().enumerate().rev() {
            longest[i][j] = match is_same(own, other) {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut gaps, mut from, mut i, mut j) = (Vec::new(), (0, 0), 0, 0);
    loop {
        let ended = i == a.len() || j == b.len();
        if ended || is_same(&a[i], &b[j]) {
            let (i_end, j_end) = if ended { (a.len(), b.len()) } else { (i, j) };
            if i_end > from.0 || j_end > from.1 {
                gaps.push((&a[from.0..i_end], &b[from.1..j_end]));
            }
            if ended {
                return gaps;
            }
            (i, j) = (i + 1, j + 1);
            from = (i, j);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
}
