//! Between rows that lie one after the other and rectangles with padding, for candle's own operations.

use candle_core::{Device, Result, Tensor};

use crate::texts::Spans;

/// How the rows of some spans fill a rectangle.
pub(crate) struct Padding {
    pub(crate) groups: usize,
    pub(crate) longest: usize,
    /// For each place of the rectangle, its row; the row after the last one for places that stay empty.
    rows: Tensor,
    /// For each row, its place.
    places: Tensor,
    /// 1 where there is a row, else 0: groups x longest.
    pub(crate) mask: Tensor,
}

impl Padding {
    /// For the given spans, in the given order; a span may come several times (there are places then only for the last).
    pub(crate) fn new(spans: &Spans, order: impl Iterator<Item = usize>, device: &Device) -> Result<Padding> {
        let longest = spans.longest();
        let (mut rows, mut places) = (Vec::new(), vec![0u32; spans.rows()]);
        let mut groups = 0;
        for span in order.map(|index| spans.get(index)) {
            for at in 0..longest {
                let row = span.start + at;
                if row < span.end {
                    places[row] = (groups * longest + at) as u32;
                    rows.push(row as u32);
                } else {
                    rows.push(spans.rows() as u32);
                }
            }
            groups += 1;
        }
        let mask: Vec<f32> = rows.iter().map(|row| f32::from(*row < spans.rows() as u32)).collect();
        let mask = Tensor::from_vec(mask, (groups, longest), device)?;
        let (length, count) = (rows.len(), places.len());
        let rows = Tensor::from_vec(rows, length, device)?;
        Ok(Padding { groups, longest, rows, places: Tensor::from_vec(places, count, device)?, mask })
    }

    /// rows x width to groups x longest x width, with zeros in empty places.
    pub(crate) fn pad(&self, x: &Tensor) -> Result<Tensor> {
        let width = x.dim(1)?;
        let empty = Tensor::zeros((1, width), x.dtype(), x.device())?;
        Tensor::cat(&[x, &empty], 0)?.index_select(&self.rows, 0)?.reshape((self.groups, self.longest, width))
    }

    /// The way back.
    pub(crate) fn unpad(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, width) = x.dims3()?;
        x.reshape((self.groups * self.longest, width))?.index_select(&self.places, 0)
    }
}
